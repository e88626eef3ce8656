/** The features that a model can be chosen for, and that a server may answer. */

/** Their names in settings. */
export const FEATURES = ["summarize", "infill", "ask", "classify"] as const;
export type Feature = (typeof FEATURES)[number];
