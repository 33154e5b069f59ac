// No store: every use is refused. For controllers that are replicas without a database that they could share.
import { err, type Result } from '#lib/result.ts';
import type { Store } from './store.ts';

const REFUSAL =
  'there is no store (--store=off): start Weir with --store=FILE, or for several controllers with --store=postgres://..., ' +
  'in the chart by controller.store';

export class OffStore implements Store {
  readonly name = 'off';
  readonly bytes = null;

  read<T>(): Promise<Result<T>> {
    return Promise.resolve(err(REFUSAL));
  }

  write<T>(): Promise<Result<T>> {
    return Promise.resolve(err(REFUSAL));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
