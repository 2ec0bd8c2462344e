import { expect, test } from "vitest";
import { keyLabel, keyWord } from "./keys";

test("keys are named the same on every layout", () => {
  const press = (key: string, held: Partial<Record<"ctrlKey" | "metaKey" | "altKey" | "shiftKey", boolean>> = {}) =>
    keyWord({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held });
  expect(press(" ")).toBe("Space");
  expect(press("ArrowLeft", { shiftKey: true })).toBe("Shift+ArrowLeft");
  expect(press(" ", { shiftKey: true })).toBe("Shift+Space");
  expect([press("K", { metaKey: true }), press("H", { ctrlKey: true, shiftKey: true })]).toEqual(["Ctrl+k", "Ctrl+Shift+h"]);
  // On a US keyboard `?` is typed with Shift, on others without.
  expect(press("?", { shiftKey: true })).toBe(press("?"));
  expect([keyLabel("Shift+ArrowLeft"), keyLabel("Ctrl+k"), keyLabel("["), keyLabel("Space")]).toEqual(["Shift ←", "Ctrl K", "[", "Space"]);
});
