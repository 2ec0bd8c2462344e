/** The states of the risk gate, as the desk says them. */
export const RISK_STATES = [
  { id: "halted", name: "Halted", act: "Halt", what: "No entries are taken, and open ones are cancelled. Exits still work.", tone: "bad" },
  { id: "reducing", name: "Reducing", act: "Only reduce", what: "Only orders that reduce a position are taken; open entries are cancelled.", tone: "" },
  { id: "active", name: "Active", act: "Active", what: "Orders are taken, within the limits.", tone: "" },
] as const;

/** Why there are no entries now, and that there still are exits, said once. */
export const blockedText = (sentence: string): string => (/\bexits?\b/i.test(sentence) ? sentence : `${sentence} Exits still work.`);

export const riskName = (state: string): string => RISK_STATES.find(({ id }) => id === state)?.name ?? state;
