// The engine of incremental compilation: runs units, records the cells that each one reads, and runs it again when one of them changes.
import { isDeepStrictEqual } from 'node:util';
import { indexCell, type Indexed, type IndexName } from '../snapshot/indexes.ts';
import type { Store } from '../snapshot/store.ts';
import { objectId } from '#api/k8s/object.ts';
import { foundRef, SESSION_KEYS_REF, type Wanted } from '../watch/event.ts';
import { alertStateRef, type WantedAlerts } from '../watch/alerts.ts';
import type { WantedCertificate } from '../watch/certificates.ts';
import type { WantedEndpoints } from '../watch/found.ts';
import type { KindName, ObjectsByKind } from '#api/k8s/kinds.ts';
import type { Outputs } from './outputs.ts';
import type { UnitFault } from './result.ts';
import { STAGES, type CompileOptions, type UnitKind, type UnitOutput, type View } from './view.ts';

// A *cell* is a thing that can be read, named by a string: an object (`Service/ns/name`), a key of an index (`grantsByNamespace:ns`),
// another unit (`@cluster ns/name`) or a counter (`#attached ...`). Absent things have cells too.

/** The prefixes of the cells of objects that sources read on demand. */
const ON_DEMAND = { Secret: 'Secret/', ConfigMap: 'ConfigMap/' } as const;

/** A unit: its kind and key, the cells it read in its last run, and its output. */
interface Unit {
  readonly id: string;
  readonly kind: UnitKind<unknown>;
  readonly key: string;
  /** A root lives as long as its object; other units live as long as they have readers. */
  root: boolean;
  reads: Set<string>;
  value: unknown;
  resources: Set<string>;
  status: string | null;
  fleet: string | null;
  counters: ReadonlySet<string>;
  wants: readonly WantedEndpoints[];
}

/** The result of a run. */
export interface RunResult {
  readonly recompiled: number;
  readonly faults: readonly UnitFault[];
}

/** All units. `addRoot`, `removeRoot` and `touch` record changes; `run` recompiles. */
export class Units {
  readonly #store: Store;
  readonly #outputs: Outputs;
  readonly #options: CompileOptions;
  readonly #units = new Map<string, Unit>();
  readonly #readers = new Map<string, Set<Unit>>();
  readonly #counts = new Map<string, number>();
  readonly #objectsRead = { Secret: new Set<string>(), ConfigMap: new Set<string>() };
  readonly #wanted = new Map<string, WantedEndpoints>();
  readonly #certificates = new Map<string, readonly WantedCertificate[]>();
  readonly #alerts = new Map<string, WantedAlerts>();
  readonly #dirty: readonly Set<Unit>[] = STAGES.map(() => new Set<Unit>());
  readonly #unread = new Set<Unit>();
  /** The faults of the units that threw in their last run. */
  readonly #faulty = new Map<Unit, UnitFault>();
  #recompiled = 0;
  #faults: UnitFault[] = [];

  constructor(store: Store, outputs: Outputs, options: CompileOptions) {
    this.#store = store;
    this.#outputs = outputs;
    this.#options = options;
  }

  /** The ids of the Secrets and ConfigMaps that units have read, existing or not. Live views. */
  get objectsRead(): Pick<Wanted, keyof typeof ON_DEMAND> {
    return this.#objectsRead;
  }

  /** The questions to sources of endpoints, by owner. A live view. */
  get wanted(): ReadonlyMap<string, WantedEndpoints> {
    return this.#wanted;
  }

  /** The alert rules and channels for the evaluator, by unit. A live view. */
  get alerts(): ReadonlyMap<string, WantedAlerts> {
    return this.#alerts;
  }

  /** The certificates that units want, by unit. A live view. */
  get certificates(): ReadonlyMap<string, readonly WantedCertificate[]> {
    return this.#certificates;
  }

  /** Whether a unit has read the keys of sessions. */
  get wantsSessionKeys(): boolean {
    return this.#readers.has(objectId(SESSION_KEYS_REF));
  }

  /** The faults of the units that threw in their last run. */
  faulty(): Iterable<UnitFault> {
    return this.#faulty.values();
  }

  /** Adds a unit that lives until removeRoot. */
  addRoot<V>(kind: UnitKind<V>, key: string): void {
    const unit = this.#units.get(unitCell(kind, key)) ?? this.#create(kind, key);
    unit.root = true;
    this.#markDirty(unit);
  }

  /** Ends a root; the unit lives on while it has readers. */
  removeRoot<V>(kind: UnitKind<V>, key: string): void {
    const unit = this.#units.get(unitCell(kind, key));
    if (unit === undefined) return;
    unit.root = false;
    if (!this.#readers.has(unit.id)) this.#drop(unit);
  }

  /** Records that the content of a cell has changed. */
  touch(cell: string): void {
    for (const unit of this.#readers.get(cell) ?? []) this.#markDirty(unit);
  }

  /** Runs every unit with changed cells. Repeats until no unit is left: dropped or new units can change counters that others have read. */
  run(): RunResult {
    this.#recompiled = 0;
    this.#faults = [];
    do {
      this.#settle();
      this.#collectUnread();
    } while (this.#dirty.some((units) => units.size > 0));
    return { recompiled: this.#recompiled, faults: this.#faults };
  }

  #create<V>(kind: UnitKind<V>, key: string): Unit {
    const unit: Unit = {
      id: unitCell(kind, key),
      kind: kind as UnitKind<unknown>,
      key,
      root: false,
      reads: new Set(),
      value: kind.fallback(key),
      resources: new Set(),
      status: null,
      fleet: null,
      counters: new Set(),
      wants: [],
    };
    this.#units.set(unit.id, unit);
    return unit;
  }

  #markDirty(unit: Unit): void {
    this.#dirty[STAGES.indexOf(unit.kind.stage)]?.add(unit);
  }

  #settle(): void {
    for (const dirty of this.#dirty) {
      for (const unit of dirty) {
        // Before the run: a unit that is created later in this stage may change a counter that this one has read, and mark it dirty again.
        dirty.delete(unit);
        if (this.#units.get(unit.id) === unit) this.#compile(unit);
      }
    }
  }

  #compile(unit: Unit): void {
    this.#recompiled++;
    const reads = new Set<string>();
    try {
      const output = unit.kind.compile(this.#viewFor(unit, reads), unit.key);
      this.#subscribe(unit, reads);
      this.#adopt(unit, output);
      this.#faulty.delete(unit);
    } catch (error) {
      // A bug, never a user's mistake. The last output stays in use; the unit runs again when a cell that it read changes.
      this.#subscribe(unit, new Set([...unit.reads, ...reads]));
      const fault = { unit: unit.id, object: this.#firstObject(reads), error };
      this.#faulty.set(unit, fault);
      this.#faults.push(fault);
    }
  }

  /** The object that a unit reads first is its subject. */
  #firstObject(reads: ReadonlySet<string>): string {
    for (const cell of reads) if (this.#store.hasId(cell)) return cell;
    return '';
  }

  #viewFor(unit: Unit, reads: Set<string>): View {
    const remember = (cell: string) => void reads.add(cell);
    return {
      options: this.#options,
      object: <K extends KindName>(kind: K, namespace: string, name: string): ObjectsByKind[K] | undefined => {
        remember(objectId({ kind, namespace, name }));
        return this.#store.get(kind, namespace, name);
      },
      whyUnreadable: (kind, namespace, name) => {
        remember(objectId({ kind, namespace, name }));
        return this.#store.whyUnreadable(kind, namespace, name);
      },
      found: (owner) => {
        remember(objectId(foundRef(owner)));
        return this.#store.found(owner);
      },
      alertState: (owner) => {
        remember(objectId(alertStateRef(owner)));
        return this.#store.alertState(owner);
      },
      sessionKeys: () => {
        remember(objectId(SESSION_KEYS_REF));
        return this.#store.sessionKeys;
      },
      list: <I extends IndexName>(index: I, key: string): readonly Indexed<I>[] => {
        remember(indexCell(index, key));
        return this.#store.list(index, key);
      },
      read: <V>(kind: UnitKind<V>, key: string): V => {
        if (STAGES.indexOf(kind.stage) >= STAGES.indexOf(unit.kind.stage)) throw new Error(`${unit.id} must not read ${kind.name}`);
        remember(unitCell(kind, key));
        return this.#valueOf(kind, key) as V;
      },
      count: (counter) => {
        remember(counterCell(counter));
        return this.#counts.get(counter) ?? 0;
      },
      choosePair: (offered) => this.#outputs.pairs.choose(offered),
    };
  }

  /** The value of a unit of an earlier stage. Existing ones are up to date at this point; a missing one is created and compiled. */
  #valueOf<V>(kind: UnitKind<V>, key: string): unknown {
    const known = this.#units.get(unitCell(kind, key));
    if (known !== undefined) return known.value;
    const unit = this.#create(kind, key);
    this.#compile(unit);
    this.#unread.add(unit);
    return unit.value;
  }

  #subscribe(unit: Unit, reads: Set<string>): void {
    for (const cell of unit.reads) {
      if (!reads.has(cell)) this.#unsubscribe(unit, cell);
    }
    for (const cell of reads) {
      const readers = this.#readers.get(cell);
      if (readers === undefined) this.#readers.set(cell, new Set([unit]));
      else readers.add(unit);
      if (readers === undefined) this.#readOnDemand(cell)?.add(cell);
    }
    unit.reads = reads;
  }

  #unsubscribe(unit: Unit, cell: string): void {
    const readers = this.#readers.get(cell);
    readers?.delete(unit);
    if (readers?.size !== 0) return;
    this.#readers.delete(cell);
    this.#readOnDemand(cell)?.delete(cell);
    const read = this.#units.get(cell);
    if (read !== undefined) this.#unread.add(read);
  }

  #readOnDemand(cell: string): Set<string> | null {
    if (cell.startsWith(ON_DEMAND.Secret)) return this.#objectsRead.Secret;
    return cell.startsWith(ON_DEMAND.ConfigMap) ? this.#objectsRead.ConfigMap : null;
  }

  #adopt(unit: Unit, output: UnitOutput<unknown>): void {
    const resources = new Set(output.resources.map((resource) => this.#outputs.putResource(resource)));
    for (const id of unit.resources) if (!resources.has(id)) this.#outputs.removeResource(id);
    unit.resources = resources;
    const status = output.status === null ? null : this.#outputs.putStatus(output.status);
    if (unit.status !== null && unit.status !== status) this.#outputs.removeStatus(unit.status);
    unit.status = status;
    const fleet = output.fleet === null ? null : this.#outputs.putFleet(output.fleet);
    if (unit.fleet !== null && unit.fleet !== fleet) this.#outputs.removeFleet(unit.fleet);
    unit.fleet = fleet;
    this.#recount(unit, new Set(output.counters));
    this.#rewant(unit, output.wants);
    this.#setCertificates(unit, output.certificates);
    this.#setAlerts(unit, output.alerts);
    if (isDeepStrictEqual(unit.value, output.value)) return;
    unit.value = output.value;
    this.touch(unit.id);
  }

  #recount(unit: Unit, counters: ReadonlySet<string>): void {
    for (const counter of unit.counters) if (!counters.has(counter)) this.#add(counter, -1);
    for (const counter of counters) if (!unit.counters.has(counter)) this.#add(counter, 1);
    unit.counters = counters;
  }

  #rewant(unit: Unit, wants: readonly WantedEndpoints[]): void {
    for (const { owner } of unit.wants) this.#wanted.delete(owner);
    for (const want of wants) this.#wanted.set(want.owner, want);
    unit.wants = wants;
  }

  #setCertificates({ id }: Unit, certificates: readonly WantedCertificate[]): void {
    if (certificates.length === 0) this.#certificates.delete(id);
    else this.#certificates.set(id, certificates);
  }

  #setAlerts({ id }: Unit, alerts: WantedAlerts | null): void {
    if (alerts === null) this.#alerts.delete(id);
    else this.#alerts.set(id, alerts);
  }

  #add(counter: string, change: number): void {
    const count = (this.#counts.get(counter) ?? 0) + change;
    if (count === 0) this.#counts.delete(counter);
    else this.#counts.set(counter, count);
    this.touch(counterCell(counter));
  }

  /** Drops units without readers, then units that only those read. */
  #collectUnread(): void {
    for (const unit of this.#unread) {
      this.#unread.delete(unit);
      if (!unit.root && !this.#readers.has(unit.id)) this.#drop(unit);
    }
  }

  #drop(unit: Unit): void {
    this.#units.delete(unit.id);
    this.#faulty.delete(unit);
    for (const cell of unit.reads) this.#unsubscribe(unit, cell);
    for (const id of unit.resources) this.#outputs.removeResource(id);
    if (unit.status !== null) this.#outputs.removeStatus(unit.status);
    if (unit.fleet !== null) this.#outputs.removeFleet(unit.fleet);
    this.#recount(unit, new Set());
    this.#rewant(unit, []);
    this.#setCertificates(unit, []);
    this.#setAlerts(unit, null);
  }
}

function unitCell(kind: Pick<UnitKind<unknown>, 'name'>, key: string): string {
  return `@${kind.name} ${key}`;
}

function counterCell(counter: string): string {
  return `#${counter}`;
}
