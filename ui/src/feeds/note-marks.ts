/** Which notes are marked. Pure. */
import type { NoteRow } from "../host";

/** Notes that say something. */
export const spoken = (notes: readonly NoteRow[]): NoteRow[] => notes.filter(({ refused }) => refused === null);
