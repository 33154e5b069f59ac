// The claim of a port: before a worker binds a port, it asks whether another proxy has it.

/** A port of the machine, at one of its addresses. */
export interface PortClaim {
  readonly transport: 'TCP' | 'UDP';
  /** '': all addresses. */
  readonly address: string;
  readonly port: number;
}

/** Resolves to null if the worker may bind the port, or to the error if another proxy has it. */
export type ClaimPort = (claim: PortClaim) => Promise<NodeJS.ErrnoException | null>;

/** For a proxy with one worker: the kernel itself refuses a taken port. */
export const unclaimed: ClaimPort = () => Promise.resolve(null);
