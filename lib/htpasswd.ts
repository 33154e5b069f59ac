// Reads htpasswd files: `NAME:HASH` per line. A line that cannot be used harms only its user.
import { parsePasswordHash, type PasswordHash } from './password-hash.ts';

/** A line that cannot be used. The reason completes "line N ...". */
export interface HtpasswdProblem {
  readonly line: number;
  /** '' if the line has no user. */
  readonly user: string;
  readonly reason: string;
}

/** The users of a file. */
export interface Htpasswd {
  readonly users: ReadonlyMap<string, PasswordHash>;
  readonly problems: readonly HtpasswdProblem[];
}

/** Reads a file. Of several lines of a user the first counts, as in Apache and nginx. */
export function parseHtpasswd(text: string): Htpasswd {
  const users = new Map<string, PasswordHash>();
  const problems: HtpasswdProblem[] = [];
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const user = colon < 1 ? '' : line.slice(0, colon);
    const problem = (reason: string) => problems.push({ line: i + 1, user, reason });
    if (user === '') problem('is not NAME:HASH');
    else if (users.has(user)) problem(`repeats the user ${user}; the first line counts`);
    else addUser(users, user, line.slice(colon + 1), problem);
  }
  return { users, problems };
}

function addUser(users: Map<string, PasswordHash>, user: string, rest: string, problem: (reason: string) => void): void {
  // Fields after a second colon are comments; no hash has a colon.
  const hash = parsePasswordHash(rest.split(':', 1)[0]?.trim() ?? '');
  if (hash.ok) users.set(user, hash.value);
  else problem(hash.error);
}
