// The licence texts of everything inside the programs: the crates of the desktop and the command, and the page's own packages.
// Prints one document. Texts that are the same to the letter are printed once, after the names of all that share them.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

const run = (command, ...args) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 28 });
const host = /^host: (.*)$/m.exec(run("rustc", "-vV"))[1];
const metadata = JSON.parse(
  run("cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host, "--features", "tapedeck-desktop/custom-protocol"),
);

// Crates reached by normal dependencies from the two programs: build scripts and tests are not in what ships.
const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
const reached = new Set();
const visit = (id) => {
  if (reached.has(id)) return;
  reached.add(id);
  for (const dep of nodes.get(id).deps) if (dep.dep_kinds.some(({ kind }) => kind === null)) visit(dep.pkg);
};
for (const { id, name } of metadata.packages) if (name === "tapedeck-core" || name === "tapedeck-desktop") visit(id);
const crates = metadata.packages
  .filter(({ id, source }) => reached.has(id) && source !== null)
  .map(({ name, version, license, manifest_path }) => ({ name, version, license, folder: dirname(manifest_path) }));

const page = JSON.parse(readFileSync("ui/package-lock.json", "utf8"));
const modules = Object.entries(page.packages)
  .filter(([path, entry]) => path !== "" && !entry.dev && existsSync(join("ui", path)))
  .map(([path, { version, license }]) => ({ name: path.replace(/.*node_modules\//, ""), version, license, folder: join("ui", path) }));
// A development dependency by its place in package.json, yet its runtime is compiled into the page.
const svelte = page.packages["node_modules/svelte"];
if (svelte) modules.push({ name: "svelte", version: svelte.version, license: svelte.license, folder: "ui/node_modules/svelte" });

const shared = new Map();
const bare = [];
for (const part of [...crates, ...modules]) {
  const label = `${part.name} ${part.version} (${part.license ?? "see its text"})`;
  const texts = readdirSync(part.folder).filter((file) => /^(licen[cs]e|copying|notice|unlicense)/i.test(file) && !/\.(rs|html)$/.test(file));
  let found = false;
  for (const file of texts) {
    try {
      const body = readFileSync(join(part.folder, file), "utf8").trim();
      shared.set(body, [...(shared.get(body) ?? []), label]);
      found = true;
    } catch (error) {
      if (error.code !== "EISDIR") throw error;
    }
  }
  if (!found) bare.push(label);
}

const rule = "=".repeat(100);
for (const [body, labels] of shared) console.log(`${rule}\n${[...new Set(labels)].join("\n")}\n${rule}\n\n${body}\n`);
if (bare.length > 0) console.log(`${rule}\nThese ship no licence file; the licence is the one they declare.\n${rule}\n\n${bare.join("\n")}`);
