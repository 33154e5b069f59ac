// Files about the process of this controller: a CPU profile, a heap snapshot. The body of the answer is the file.
import { Type } from '#lib/typebox.ts';
import { MAX_PROFILE_MS } from '#api/wire/telemetry-limits.ts';
import type { Body } from '#lib/admin-server.ts';
import { parseDuration } from '#lib/duration.ts';
import type { Log } from '#lib/log.ts';
import { takeCpuProfile } from '#lib/process-files/cpu-profile.ts';
import { takeHeapSnapshot } from '#lib/process-files/heap-snapshot.ts';
import type { FileWay } from '#lib/process-files/parts.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { invalid, streamedOperation } from './operation.ts';
import type { Operation, StreamedOutcome } from './operation.ts';

const CLOSED = { additionalProperties: false };
const ProfileInput = Type.Object({ duration: Type.String({ maxLength: 32, default: '10s' }) }, CLOSED);

/** Takes a file of this process. */
type Take = (way: FileWay) => Promise<Result<void>>;

/** `POST /controller/profile` and `POST /controller/heap-snapshot`, one at a time. */
export function ownFileOperations(log: Log): readonly Operation[] {
  const files = new OwnFiles(log);
  return [
    streamedOperation('POST /controller/profile', ProfileInput, async ({ duration }, signal, caller) => {
      const length = parseDuration(duration);
      if (!length.ok) return invalid([{ field: 'duration', reason: length.error }]);
      const durationMs = length.value;
      if (durationMs < 1 || durationMs > MAX_PROFILE_MS) return invalid([{ field: 'duration', reason: 'must be from 1ms to 1m' }]);
      return files.answer('CPU profile', caller, signal, (way) => takeCpuProfile(durationMs, way));
    }),
    streamedOperation('POST /controller/heap-snapshot', Type.Object({}, CLOSED), async (_, signal, caller) =>
      files.answer('heap snapshot', caller, signal, takeHeapSnapshot),
    ),
  ];
}

class OwnFiles {
  readonly #log: Log;
  #isTaking = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Answers with the file once its first part is there. */
  async answer(file: string, caller: string, signal: AbortSignal, take: Take): Promise<StreamedOutcome> {
    if (this.#isTaking)
      return err({ status: 409, detail: 'this controller takes a profile or a heap snapshot already; repeat the command later' });
    this.#isTaking = true;
    this.#log.info({ file, caller, target: 'controller' }, 'an operator takes a file about a process');
    const [begun, reader] = [Promise.withResolvers<null>(), Promise.withResolvers<Body>()];
    const part = async (data: Buffer): Promise<void> => {
      begun.resolve(null);
      await (await reader.promise).write(data);
    };
    const taken = this.#take(take, { part, signal });
    const refusal = await Promise.race([begun.promise, taken]);
    if (refusal !== null) return err({ status: 409, detail: refusal.ok ? 'the file is empty' : refusal.error });
    const stream = async (body: Body): Promise<void> => {
      reader.resolve(body);
      await taken;
    };
    return ok({ status: 200, type: 'application/json', stream });
  }

  async #take(take: Take, way: FileWay): Promise<Result<void>> {
    try {
      return await take(way);
    } finally {
      this.#isTaking = false;
    }
  }
}
