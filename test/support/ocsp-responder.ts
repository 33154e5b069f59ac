// OCSP by `openssl ocsp`: answers made offline, and a real responder.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { IssuedFiles, TestCa } from './certificates.ts';
import { closeLater } from './fixture.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** The index of the CA, and the signer. */
function signing(ca: TestCa, signer: IssuedFiles): string[] {
  const files = ['-rsigner', signer.certificate, '-rkey', signer.privateKey];
  return ['-index', path.join(ca.folder, 'index.txt'), '-CA', ca.certificate, ...files];
}

/** The CA that signs its own answers. */
export function itself(ca: TestCa): IssuedFiles {
  return { ca: ca.certificate, certificate: ca.certificate, privateKey: path.join(ca.folder, 'ca.key') };
}

/** The answer to a request; without an expiry unless the options give one. */
export async function answerOffline(ca: TestCa, signer: IssuedFiles, request: Buffer, ...options: readonly string[]): Promise<Buffer> {
  const [input, output] = ['request.der', 'response.der'].map((name) => path.join(ca.folder, name)) as [string, string];
  await writeFile(input, request);
  await run('openssl', ['ocsp', ...signing(ca, signer), '-reqin', input, '-respout', output, ...options]);
  return readFile(output);
}

/** A responder on the port; resolves once it listens. */
export async function startResponder(ca: TestCa, port: number): Promise<{ stop(): Promise<void> }> {
  const child = spawn('openssl', ['ocsp', ...signing(ca, itself(ca)), '-nmin', '60', '-port', String(port)]);
  let [said, stopped] = ['', false];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += String(chunk)));
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  };
  closeLater(stop);
  await until(() => /waiting for OCSP client connections/i.test(said) || /ACCEPT/.test(said), 'a responder that listens');
  return { stop };
}
