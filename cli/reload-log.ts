// Logs each reload of `weir up`: one line names the added, changed and removed objects once they are served.
import type { KubernetesObject, ObjectRef } from '#api/k8s/object.ts';
import type { Log } from '#lib/log.ts';
import type { Change, Source } from '../controller/watch/event.ts';

/** With more objects than this, a line has only counts. */
const MAX_NAMED = 8;

const VERBS = ['added', 'changed', 'removed'] as const;
type Verb = (typeof VERBS)[number];

/** A changed object. */
interface Noted {
  readonly verb: Verb;
  readonly kind: string;
  /** `namespace/name`, or the name. */
  readonly name: string;
}

/** Objects by `Kind/namespace/name`. */
type NotedById = ReadonlyMap<string, Noted>;

export class ReloadLog {
  readonly #log: Log;
  #begun = false;
  #noted = new Map<string, Noted>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts the log of reloads, once everything in the folder is served. */
  begin(): void {
    this.#begun = true;
    this.#noted.clear();
  }

  /** The source, with its changes noted. */
  watching(source: Source): Source {
    return {
      start: (listener) =>
        source.start({
          changed: (changes) => {
            this.#note(changes);
            listener.changed(changes);
          },
          synced: () => listener.synced(),
          problems: (problems) => listener.problems(problems),
          skipped: (kinds) => listener.skipped?.(kinds),
        }),
      stop: () => source.stop(),
    };
  }

  /** The objects noted since the last call. */
  take(): NotedById {
    const noted = this.#noted;
    this.#noted = new Map();
    return noted;
  }

  /** Logs that these objects are served. */
  served(noted: NotedById): void {
    if (this.#begun && noted.size > 0) this.#log.info(`reloaded: ${inWords([...noted.values()])}`);
  }

  /** Logs that the noted changes have no effect on the served configuration. */
  unchanged(): void {
    const noted = this.take();
    if (this.#begun && noted.size > 0) this.#log.info(`reloaded: ${inWords([...noted.values()])}; the served configuration stays the same`);
  }

  #note(changes: readonly Change[]): void {
    for (const change of changes) {
      const { kind, namespace, name } = change.type === 'upsert' ? refOf(change.object) : change.ref;
      if (kind === 'Namespace' && isImplied(change)) continue;
      const id = `${kind}/${namespace}/${name}`;
      this.#noted.set(id, { verb: verbOf(change), kind, name: namespace === '' ? name : `${namespace}/${name}` });
    }
  }
}

function refOf({ kind, metadata: { name, namespace = '' } }: KubernetesObject): ObjectRef {
  return { kind, name, namespace };
}

function verbOf(change: Change): Verb {
  if (change.type !== 'upsert') return 'removed';
  return (change.object.metadata.generation ?? 1) === 1 ? 'added' : 'changed';
}

/** Whether no file contains the Namespace: the file source adds it for the objects in it. */
function isImplied(change: Change): boolean {
  return change.type !== 'upsert' || Object.keys(change.object.metadata.labels ?? {}).join() === 'kubernetes.io/metadata.name';
}

/** `1 HTTPRoute changed (default/web), 2 Backends added (default/a, default/b)`. */
function inWords(noted: readonly Noted[]): string {
  const groups = [...Map.groupBy(noted, ({ kind, verb }) => `${kind} ${verb}`).values()];
  groups.sort(([a], [b]) => VERBS.indexOf(a?.verb ?? 'added') - VERBS.indexOf(b?.verb ?? 'added'));
  return groups.map((group) => groupInWords(group, noted.length <= MAX_NAMED)).join(', ');
}

function groupInWords(group: readonly Noted[], named: boolean): string {
  const { kind, verb } = group[0] as Noted;
  const names = named ? ` (${group.map(({ name }) => name).join(', ')})` : '';
  return `${group.length} ${group.length === 1 ? kind : pluralOf(kind)} ${verb}${names}`;
}

function pluralOf(kind: string): string {
  if (kind.endsWith('s')) return kind;
  return kind.endsWith('y') && !kind.endsWith('ay') ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}
