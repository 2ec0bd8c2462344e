/** In a C or POSIX locale WebKitGTK says `C`, which is no language tag, and lightweight-charts draws nothing at all. */
export function validLocale(tag: string | undefined): string {
  try {
    return Intl.getCanonicalLocales(tag)[0] ?? "en-US";
  } catch {
    return "en-US";
  }
}
