// The words that YAML 1.1, which kubectl and Helm read, takes for booleans, and YAML 1.2 for text.

/** By the word in lower case. */
export const YAML_BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['y', 'yes', 'on'].map((word) => [word, true] as const),
  ...['n', 'no', 'off'].map((word) => [word, false] as const),
]);
