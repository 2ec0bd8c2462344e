/**
 * Puts text on the clipboard; false when the web view refuses, which it does when no key or button was just pressed.
 * The old way first: it asks for no permission and works in every web view.
 */
export async function copyText(text: string): Promise<boolean> {
  const focused = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.setAttribute("aria-hidden", "true");
  field.style.cssText = "position: fixed; top: 0; left: -999px; user-select: text; -webkit-user-select: text";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  if (copied) return true;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
