// The anchor of a heading, by the rule of GitHub, so that links lead to the same place there and on the site.

/** The anchor of a heading's text: lower case, no punctuation, dashes for blanks. */
export function slugOf(heading: string): string {
  const plain = heading.trim().toLowerCase();
  return plain.replace(/[^\p{Letter}\p{Number}\p{Mark} _-]/gu, '').replaceAll(' ', '-');
}
