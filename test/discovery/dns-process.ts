// The process of DnsServer: a resolver on UDP and TCP of one port, with the records that the test sends.
import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { answer, parseQuestion, type Question } from './dns-message.ts';
import type { Zone } from './dns-server.ts';

const UDP_LIMIT = 1_200;
const TCP_LIMIT = 65_535;

let zone: Zone = { records: {}, failing: {} };
const [, , host = '', port = ''] = process.argv;

function answerTo(question: Question, limit: number): Buffer | null {
  const key = `${question.type} ${question.name}`;
  process.send?.({ asked: key });
  const failure = zone.failing[key] ?? zone.failing['all'];
  if (failure === 'silent') return null;
  if (failure === 'garbage') return Buffer.from('garbage');
  if (failure !== undefined) return answer(question, failure, [], limit);
  const records = zone.records[key];
  if (records !== undefined) return answer(question, 'ok', records, limit);
  const exists = Object.keys(zone.records).some((other) => other.endsWith(` ${question.name}`));
  return answer(question, exists ? 'ok' : 'nxdomain', [], limit);
}

process.on('message', (message: { zone: Zone }) => {
  ({ zone } = message);
  process.send?.({ taken: true });
});
process.on('disconnect', () => process.exit());

const tcp = net.createServer((socket) => {
  let pending = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const reply = answerTo(parseQuestion(pending.subarray(2, end)), TCP_LIMIT);
      pending = pending.subarray(end);
      if (reply === null) continue;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([length, reply]));
    }
  });
});
tcp.listen(Number(port), host);
await once(tcp, 'listening');
const bound = (tcp.address() as AddressInfo).port;

const udp = dgram.createSocket('udp4');
udp.on('message', (message, from) => {
  const reply = answerTo(parseQuestion(message), UDP_LIMIT);
  if (reply !== null) udp.send(reply, from.port, from.address);
});
udp.bind(bound, host);
await once(udp, 'listening');
process.send?.({ port: bound });
