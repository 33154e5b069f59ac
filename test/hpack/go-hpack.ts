// Go's HPACK (golang.org/x/net/http2/hpack) as a child process: built from peer/ once per content of its files.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Interface } from 'node:readline';
import { sourceTool } from '../support/go-tool.ts';

export const GO_HPACK = sourceTool('hpack-peer', path.join(import.meta.dirname, 'peer'));

/** A header; `secret`: never to be indexed. Octets as latin1. */
export interface Field {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
}

/** A step of a codec: a table size change, or a block. */
export type EncodeStep = { readonly size: number } | { readonly fields: readonly Field[] };
export type DecodeStep = { readonly size: number } | { readonly block: Buffer };

type WireField = { readonly name: string; readonly value: string; readonly secret: boolean };

/** A running peer. */
export class GoHpack {
  readonly #child: ChildProcess;
  readonly #lines: Interface;

  constructor() {
    this.#child = spawn(path.join(GO_HPACK.folder, GO_HPACK.name), { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout === null) throw new Error('the peer has no standard output');
    this.#lines = createInterface(this.#child.stdout);
  }

  /** The blocks of a new encoder, one for each list, with a limit and sizes in between. */
  async encode(limit: number, steps: readonly EncodeStep[]): Promise<Buffer[]> {
    const wire = steps.map((step) => ('size' in step ? step : { fields: step.fields.map(toWire) }));
    const answers = await this.#ask({ decode: false, limit, steps: wire });
    return answers.map(({ block }) => Buffer.from(block ?? '', 'base64'));
  }

  /** The lists of a new decoder, one for each block. Throws if it refuses one. */
  async decode(limit: number, steps: readonly DecodeStep[]): Promise<Field[][]> {
    const wire = steps.map((step) => ('size' in step ? step : { block: step.block.toString('base64') }));
    const answers = await this.#ask({ decode: true, limit, steps: wire });
    return answers.map(({ fields }) => (fields ?? []).map(fromWire));
  }

  close(): void {
    this.#child.stdin?.end();
  }

  async #ask(question: object): Promise<readonly { readonly block?: string; readonly fields?: readonly WireField[] }[]> {
    const answered = new Promise<string>((resolve) => this.#lines.once('line', resolve));
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    const answer = JSON.parse(await answered) as { readonly error?: string; readonly steps?: readonly object[] };
    if (answer.error !== undefined) throw new Error(`Go refuses it: ${answer.error}`);
    return answer.steps ?? [];
  }
}

function toWire({ name, value, secret }: Field): WireField {
  return { name: Buffer.from(name, 'latin1').toString('base64'), value: Buffer.from(value, 'latin1').toString('base64'), secret };
}

function fromWire({ name, value, secret }: WireField): Field {
  return { name: Buffer.from(name, 'base64').toString('latin1'), value: Buffer.from(value, 'base64').toString('latin1'), secret };
}
