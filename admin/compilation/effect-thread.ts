// The thread that compiles and lints the configuration of dry runs, which takes tenths of a second for thousands of routes.
// `effect-compiler.ts` is its other side.
import { parentPort, workerData } from 'node:worker_threads';
import type { ResourceKind } from '#api/ir/ir.ts';
import type { KubernetesObject, ObjectRef } from '#api/k8s/object.ts';
import { AddressRanges, type PackedRanges } from '#lib/address-ranges.ts';
import type { CompilerOptions } from '../../controller/compile/compile.ts';
import type { SourceProblem } from '../../controller/watch/event.ts';
import { Compilation, type Outcome, type Unreadable, type WantedIds } from './compilation.ts';
import { effectsOf, type ChangeEffects } from './effects.ts';
import { Replayer, type Replay } from './replay.ts';
import { headOf } from './request-head.ts';
import { Routing } from './routing.ts';

/** The two contents that are compared. */
export type Side = 'before' | 'after';

/** A line of the access log, and when its request ended, milliseconds since the epoch. */
export interface RequestLine {
  readonly at: number;
  readonly line: string;
}

/** `objects` changes the content, and has no answer. `compare`: both sides were compiled. */
export type EffectTask =
  | { readonly type: 'objects'; readonly put: readonly KubernetesObject[]; readonly gone: readonly ObjectRef[] }
  | {
      readonly type: 'compile';
      readonly side: Side;
      readonly problems: readonly SourceProblem[];
      readonly unreadable: Unreadable | null;
      /** Compile everything anew. */
      readonly forget: boolean;
    }
  | { readonly type: 'compare'; readonly asked: Asked };

/** What a compilation tells. */
export interface Compiled {
  readonly wanted: WantedIds;
  /** Ids of the objects that count as unreadable. */
  readonly unreadable: readonly string[];
}

/** What a comparison tells besides the effects. */
export interface Asked {
  /** Requests to send through both sides, the latest first; null: none. */
  readonly requests: readonly RequestLine[] | null;
  /** Kinds of resources of the side `after` to tell. */
  readonly kinds: readonly ResourceKind[];
}

/** The difference of both sides. */
export interface Comparison {
  /** The problems of the linter have no places. */
  readonly effects: ChangeEffects;
  /** Of the requests; null if there were none to replay. */
  readonly replay: Replay | null;
  /** Of the kinds that were asked for, as JSON. */
  readonly resources: readonly string[];
}

export type EffectAnswer = Compiled | Comparison;

/** What the thread starts with. */
export interface EffectThreadData {
  readonly options: Omit<CompilerOptions, 'allowedEndpoints'>;
  readonly allowedEndpoints: PackedRanges;
}

const { options, allowedEndpoints } = workerData as EffectThreadData;
const compilation = new Compilation({ ...options, allowedEndpoints: AddressRanges.ofPacked(allowedEndpoints) });
const outcomes = new Map<Side, Outcome>();

parentPort?.on('message', (task: EffectTask) => {
  if (task.type === 'objects') compilation.take(task.put, task.gone);
  else parentPort?.postMessage(task.type === 'compile' ? compiled(task) : compared(task.asked));
});

function compiled({ side, problems, unreadable, forget }: Extract<EffectTask, { readonly type: 'compile' }>): Compiled {
  if (forget) compilation.forget();
  const outcome = compilation.run(problems, unreadable);
  outcomes.set(side, outcome);
  return { wanted: outcome.wanted, unreadable: outcome.unreadable };
}

function compared({ requests, kinds }: Asked): Comparison {
  const [before, after] = [outcomes.get('before'), outcomes.get('after')];
  if (before === undefined || after === undefined) throw new Error('a side was not compiled');
  const resources = [...after.resources.values()].filter(({ kind }) => kinds.includes(kind)).map(({ body }) => body.toString());
  return { effects: effectsOf(before, after), replay: requests === null ? null : replayed(requests, before, after), resources };
}

function replayed(requests: readonly RequestLine[], before: Outcome, after: Outcome): Replay {
  const replayer = new Replayer(new Routing(before.resources.values()), new Routing(after.resources.values()));
  for (const { at, line } of requests) replayer.take(headOf(line, at));
  return replayer.result;
}
