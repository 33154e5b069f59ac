// The TCP check: a connection, and if the check says so, bytes that the endpoint answers with.
import type net from 'node:net';
import type { ProbeTarget, TcpCheck } from '../exchange/probe-target.ts';
import type { Settle } from './outcome.ts';

/** The answer is searched up to here. */
const MAX_ANSWER_BYTES = 4_096;

/** Probes an open connection. */
export function probeTcp(_: ProbeTarget, { send, expect }: TcpCheck, socket: net.Socket, settle: Settle): void {
  if (send !== '') socket.write(Buffer.from(send, 'hex'));
  if (expect === '') return settle(null);
  const wanted = Buffer.from(expect, 'hex');
  let answer: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    answer = Buffer.concat([answer, chunk.subarray(0, MAX_ANSWER_BYTES - answer.length)]);
    if (answer.includes(wanted)) settle(null);
    else if (answer.length >= MAX_ANSWER_BYTES) settle({ fault: 'bytes', detail: `not within the first ${MAX_ANSWER_BYTES} bytes` });
  });
  socket.once('end', () => settle({ fault: 'bytes', detail: `not within the ${answer.length} bytes of the answer` }));
}
