// Services and documents of one worker.
import { outsideGuard } from '#lib/address-guard.ts';
import type { AddressRange } from '#lib/address-range.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import type { Result } from '#lib/result.ts';
import type { Outside, OutsideAnswer, OutsideRequest } from '../exchange/outside.ts';
import { DocumentStore, type DocumentTimes } from './documents.ts';
import { OutsideServices } from './services.ts';

export interface WorkerOutsideOptions {
  /** Addresses that are permitted although they lead to the machine itself or to a metadata service. */
  readonly allowedServices?: readonly AddressRange[];
  readonly documentTimes?: DocumentTimes;
}

export class WorkerOutside implements Outside {
  readonly documents: DocumentStore;
  readonly #services: OutsideServices;

  constructor({ allowedServices = [], documentTimes }: WorkerOutsideOptions) {
    this.#services = new OutsideServices(outsideGuard(AddressRanges.of(allowedServices)));
    this.documents = new DocumentStore(documentTimes);
  }

  ask(request: OutsideRequest): Promise<Result<OutsideAnswer>> {
    return this.#services.ask(request);
  }

  close(): void {
    this.documents.close();
    this.#services.close();
  }
}
