// What a test run came to: the slowest steps and tests, what was skipped and why, and one closing line.
// Reads the folder scripts/test.sh fills. Exits 1 when a step or a test failed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const text = (name) => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : "");
const lines = (name) => text(name).split("\n").filter(Boolean);

const steps = lines("steps").map((line) => {
  const [seconds, ended, name] = line.split("\t");
  return { seconds: Number(seconds), ended, name };
});

let [passed, failed, skipped] = [0, 0, 0];
const tests = [];
const failures = [];

// libtest: `test a::b ... ok <0.123s>`, and one `test result:` for each program. Colour is off: cargo writes into a pipe.
for (const line of lines("tests.log")) {
  const result = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
  if (result) {
    passed += Number(result[1]);
    failed += Number(result[2]);
    skipped += Number(result[3]);
  }
  // What a test wrote to its terminal may stand between its name and its outcome.
  const timed = /^test (\S+).*<(\d+\.\d+)s>$/.exec(line);
  if (timed) tests.push({ name: timed[1], seconds: Number(timed[2]) });
  const failure = /^test (?!result:)(\S+) .*\bFAILED\b/.exec(line);
  if (failure) failures.push(failure[1]);
}

if (existsSync(join(folder, "vitest.json"))) {
  const page = JSON.parse(text("vitest.json"));
  passed += page.numPassedTests;
  failed += page.numFailedTests;
  skipped += page.numPendingTests + page.numTodoTests;
  for (const file of page.testResults)
    for (const test of file.assertionResults) {
      tests.push({ name: `ui: ${test.fullName}`, seconds: (test.duration ?? 0) / 1000 });
      if (test.status === "failed") failures.push(`ui: ${test.fullName}`);
    }
}

// libtest has no word for "could not run here": such a test passes, and puts itself on this list.
const skips = lines("skips");
passed -= skips.length;
skipped += skips.length;

const print = (line) => process.stdout.write(`${line}\n`);
const slowest = (list, count) => [...list].sort((a, b) => b.seconds - a.seconds).slice(0, count);
const row = ({ seconds, name }) => `  ${seconds.toFixed(1).padStart(8)} s  ${name}`;

print("\nSlowest steps");
for (const step of slowest(steps, 6)) print(row(step) + (step.ended === "ok" ? "" : "  FAILED"));
if (tests.length > 0) print("\nSlowest tests");
for (const test of slowest(tests, 10).filter((test) => test.seconds >= 0.1)) print(row(test));
if (skips.length > 0) print(`\nSkipped here\n${skips.map((skip) => `  ${skip}`).join("\n")}`);
if (failures.length > 0) print(`\nFailed tests\n${failures.map((name) => `  ${name}`).join("\n")}`);

const broken = steps.filter((step) => step.ended !== "ok").map((step) => step.name);
if (broken.length > 0) print(`\nFailed steps: ${broken.join(", ")}`);
const total = steps.reduce((sum, step) => sum + step.seconds, 0);
print(`\nTotal ${Math.floor(total / 60)} min ${total % 60} s`);
print(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || broken.length > 0 ? 1 : 0;
