// The one function of bcryptjs that Weir uses.
declare module 'bcryptjs' {
  /** Whether the hash is one of the password. Throws for a text that is no hash. */
  export function compareSync(password: string, hash: string): boolean;
}
