// The part of the members that a use may choose from, by their metadata.
import type { Member } from './member.ts';

/** The members with all these labels; all members without labels. */
export function subsetOf(members: readonly Member[], labels: Readonly<Record<string, string>>): readonly Member[] {
  const wanted = Object.entries(labels);
  if (wanted.length === 0) return members;
  return members.filter((member) => wanted.every(([name, value]) => Object.hasOwn(member.labels, name) && member.labels[name] === value));
}
