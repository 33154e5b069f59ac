// Alerts, silences and deliveries to channels, in the store: a leader that starts goes on where the last one stopped.
import type { Result } from '#lib/result.ts';
import type { Row, Store, Transaction } from '#lib/store/store.ts';

/** An alert as the store has it. Times are milliseconds since the epoch. */
export interface KeptAlert {
  readonly rule: string;
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
  readonly value: number;
  readonly summary: string;
  readonly description: string;
  readonly activeAt: number;
  readonly firedAt: number;
  readonly resolvedAt: number;
}

/** A condition on a label of an alert. */
export interface SilenceMatcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

/** A silence: alerts that meet all matchers are not told until it ends. */
export interface KeptSilence {
  readonly id: string;
  readonly matchers: readonly SilenceMatcher[];
  readonly author: string;
  readonly reason: string;
  readonly starts: number;
  readonly ends: number;
}

/** What a channel was told of a group: the time of firing by the fingerprint of each alert that fired, and when it was told. */
export interface KeptNotification {
  readonly channel: string;
  readonly group: string;
  readonly told: Readonly<Record<string, number>>;
  readonly sentAt: number;
}

/** Everything that is kept. */
export interface KeptState {
  readonly alerts: readonly KeptAlert[];
  readonly silences: readonly KeptSilence[];
  readonly notifications: readonly KeptNotification[];
}

/** Changes of alerts: those to write, and those to forget. */
export interface AlertChanges {
  readonly written: readonly KeptAlert[];
  readonly forgotten: readonly Pick<KeptAlert, 'rule' | 'fingerprint'>[];
}

export class KeptAlerts {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Whether there is a store. */
  get isKept(): boolean {
    return this.#store.name !== 'off';
  }

  load(): Promise<Result<KeptState>> {
    return this.#store.read(async (t) => ({
      alerts: (await t.rows('SELECT * FROM weir_alerts')).map(alertOf),
      silences: (await t.rows('SELECT * FROM weir_silences')).map(silenceOf),
      notifications: (await t.rows('SELECT * FROM weir_notifications')).map(notificationOf),
    }));
  }

  alerts(): Promise<Result<readonly KeptAlert[]>> {
    return this.#store.read(async (t) => (await t.rows('SELECT * FROM weir_alerts')).map(alertOf));
  }

  silences(): Promise<Result<readonly KeptSilence[]>> {
    return this.#store.read(async (t) => (await t.rows('SELECT * FROM weir_silences')).map(silenceOf));
  }

  /** Writes changes of alerts. */
  change({ written, forgotten }: AlertChanges): Promise<Result<unknown>> {
    return this.#store.write(async (t) => {
      for (const { rule, fingerprint } of forgotten)
        await t.run('DELETE FROM weir_alerts WHERE rule = ? AND fingerprint = ?', [rule, fingerprint]);
      for (const alert of written) await putAlert(t, alert);
    });
  }

  /** Keeps a silence, and forgets those that ended before `forgetBefore`. */
  silence({ id, matchers, author, reason, starts, ends }: KeptSilence, forgetBefore: number): Promise<Result<unknown>> {
    return this.#store.write(async (t) => {
      await t.run('DELETE FROM weir_silences WHERE ends < ?', [forgetBefore]);
      return t.run('INSERT INTO weir_silences (id, matchers, author, reason, starts, ends) VALUES (?, ?, ?, ?, ?, ?)', [
        ...[id, JSON.stringify(matchers), author, reason, starts, ends],
      ]);
    });
  }

  /** Ends a silence now. False if there is none that has not ended. */
  async unsilence(id: string, now: number): Promise<Result<boolean>> {
    return this.#store.write(async (t) => (await t.run('UPDATE weir_silences SET ends = ? WHERE id = ? AND ends > ?', [now, id, now])) > 0);
  }

  /** Keeps what a channel was told of a group. Nothing told: the group is forgotten. */
  told({ channel, group, told, sentAt }: KeptNotification): Promise<Result<unknown>> {
    return this.#store.write((t) => {
      if (Object.keys(told).length === 0)
        return t.run('DELETE FROM weir_notifications WHERE channel = ? AND group_key = ?', [channel, group]);
      return t.run(
        `INSERT INTO weir_notifications (channel, group_key, told, sent_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (channel, group_key) DO UPDATE SET told = excluded.told, sent_at = excluded.sent_at`,
        [channel, group, JSON.stringify(told), sentAt],
      );
    });
  }
}

function putAlert(t: Transaction, alert: KeptAlert): Promise<number> {
  const { rule, fingerprint, labels, state, value, summary, description, activeAt, firedAt, resolvedAt } = alert;
  return t.run(
    `INSERT INTO weir_alerts (rule, fingerprint, labels, state, value, summary, description, active_at, fired_at, resolved_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (rule, fingerprint) DO UPDATE SET labels = excluded.labels, state = excluded.state, value = excluded.value,
     summary = excluded.summary, description = excluded.description, active_at = excluded.active_at, fired_at = excluded.fired_at,
     resolved_at = excluded.resolved_at`,
    [rule, fingerprint, JSON.stringify(labels), state, value, summary, description, activeAt, firedAt, resolvedAt],
  );
}

function alertOf(row: Row): KeptAlert {
  return {
    ...{ rule: String(row['rule']), fingerprint: String(row['fingerprint']), state: String(row['state']), value: Number(row['value']) },
    labels: JSON.parse(String(row['labels'])) as Record<string, string>,
    ...{ summary: String(row['summary']), description: String(row['description']) },
    ...{ activeAt: Number(row['active_at']), firedAt: Number(row['fired_at']), resolvedAt: Number(row['resolved_at']) },
  };
}

function silenceOf(row: Row): KeptSilence {
  return {
    ...{ id: String(row['id']), author: String(row['author']), reason: String(row['reason']) },
    matchers: JSON.parse(String(row['matchers'])) as SilenceMatcher[],
    ...{ starts: Number(row['starts']), ends: Number(row['ends']) },
  };
}

function notificationOf(row: Row): KeptNotification {
  return {
    ...{ channel: String(row['channel']), group: String(row['group_key']), sentAt: Number(row['sent_at']) },
    told: JSON.parse(String(row['told'])) as Record<string, number>,
  };
}
