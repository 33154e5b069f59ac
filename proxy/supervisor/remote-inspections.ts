// Inspections of a worker process, from the supervisor's side. A worker sends one part at a time, so a slow reader costs no memory.
import type { Inspected, Inspecting, Inspection } from '../inspection/inspection.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** Sends a message with a new id, and resolves to the answer; null if the worker died. */
type Ask = (message: (id: number) => ToWorker) => Promise<FromWorker | null>;

export class RemoteInspections {
  readonly #send: (message: ToWorker) => void;
  readonly #running = new Map<number, Inspecting>();

  constructor(send: (message: ToWorker) => void) {
    this.#send = send;
  }

  /** Runs one to its end. Rejects if it fails or the worker dies. */
  async run(ask: Ask, inspection: Inspection, inspecting: Inspecting): Promise<Inspected> {
    let asked = -1;
    const end = (): void => this.#send({ type: 'endInspection', id: asked });
    const answer = ask((id) => {
      this.#running.set((asked = id), inspecting);
      return { type: 'inspect', id, inspection };
    });
    inspecting.signal.addEventListener('abort', end);
    if (inspecting.signal.aborted) end();
    const ended = await answer;
    inspecting.signal.removeEventListener('abort', end);
    this.#running.delete(asked);
    if (ended?.type === 'inspected') return ended.inspected;
    throw new Error(ended?.type === 'inspectionFailed' ? ended.reason : 'a worker has ended; the rest of its result is missing');
  }

  /** Takes a part of the worker, and asks for the next once the reader has it. */
  part(id: number, data: Uint8Array): void {
    const taken = this.#running.get(id)?.part(Buffer.from(data)) ?? Promise.resolve();
    void taken.finally(() => this.#send({ type: 'partTaken', id }));
  }
}
