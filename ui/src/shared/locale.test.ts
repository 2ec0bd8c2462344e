import { expect, test } from "vitest";
import { validLocale } from "./locale";

test.each([
  ["C", "en-US"],
  ["POSIX", "posix"],
  ["en_US.UTF-8", "en-US"],
  ["", "en-US"],
  [undefined, "en-US"],
  ["de-at", "de-AT"],
])("a machine whose language is %j still draws its chart", (tag, locale) => {
  expect(validLocale(tag)).toBe(locale);
  expect(() => (0).toLocaleString(validLocale(tag))).not.toThrow();
});
