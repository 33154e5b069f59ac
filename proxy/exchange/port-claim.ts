// A port that a worker is about to bind beside the other workers of its proxy: whether it may.

/** A port of the machine, at one of its addresses. */
export interface PortClaim {
  readonly transport: 'TCP' | 'UDP';
  /** '' is every address. */
  readonly address: string;
  readonly port: number;
}

/** Resolves to null where the port may be bound, to the reason where another proxy has it. */
export type ClaimPort = (claim: PortClaim) => Promise<NodeJS.ErrnoException | null>;

/** For a proxy of one worker: the kernel itself refuses a port that is taken. */
export const unclaimed: ClaimPort = () => Promise.resolve(null);
