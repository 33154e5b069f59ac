import { describe, expect, test } from '@jest/globals';
import { NatsParser, ProtocolFault } from './parser.ts';
import type { ServerOperation } from './parser.ts';

const MAX_PAYLOAD = 1_000;

/** The operations of a text that arrives in chunks of `size` bytes. */
function parse(text: string, size = text.length): ServerOperation[] {
  const parser = new NatsParser(MAX_PAYLOAD);
  const bytes = Buffer.from(text);
  const found: ServerOperation[] = [];
  for (let from = 0; from < bytes.length; from += size) found.push(...parser.push(bytes.subarray(from, from + size)));
  return found;
}

function summary(operation: ServerOperation): string {
  if (operation.type !== 'message') return JSON.stringify(operation);
  const { subject, subscription, reply, headers, payload } = operation.message;
  return JSON.stringify([subject, subscription, reply, headers, payload.toString()]);
}

const STREAM =
  'INFO {"server_id":"x","nonce":"é"}\r\nPING\r\nPONG\r\n+OK\r\n' +
  'MSG a.b 1 5\r\nhello\r\nMSG a.b 12 reply.to 0\r\n\r\nHMSG c 3 12 14\r\nNATS/1.0\r\n\r\nhi\r\n' +
  "-ERR 'Authorization Violation'\r\n";

const OPERATIONS = [
  '{"type":"info","info":{"server_id":"x","nonce":"é"}}',
  '{"type":"ping"}',
  '{"type":"pong"}',
  '{"type":"ok"}',
  '["a.b",1,"","","hello"]',
  '["a.b",12,"reply.to","",""]',
  '["c",3,"","NATS/1.0\\r\\n\\r\\n","hi"]',
  '{"type":"error","text":"Authorization Violation"}',
];

describe('the operations of a NATS server', () => {
  test.each([1, 2, 3, 7, 64, STREAM.length + 10])('are parsed from chunks of %i bytes', (size) => {
    expect(parse(STREAM, size).map(summary)).toEqual(OPERATIONS);
  });

  test.each([
    ['a web server', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'sends bytes that are not the NATS protocol'],
    ['an INFO that is not JSON', 'INFO {\r\n', 'sends an INFO that is not a JSON object'],
    ['an INFO that is no object', 'INFO 1\r\n', 'sends an INFO that is not a JSON object'],
    ['a message that is too large', 'MSG a 1 1001\r\n', 'sends a message of more than 1000 bytes'],
    ['a message with a negative length', 'MSG a 1 -1\r\n', 'sends an invalid message'],
    ['a message with a length of many digits', `MSG a 1 ${'9'.repeat(30)}\r\n`, 'sends an invalid message'],
    ['a message without a subscription', 'MSG a 1\r\n', 'sends an invalid message'],
    ['headers that are longer than the message', 'HMSG a 1 9 8\r\n', 'sends an invalid message'],
    ['a message that is longer than it says', 'MSG a 1 2\r\nabc\r\n', 'sends a message with a wrong length'],
    ['a line that is too long', `PING ${' '.repeat(5_000)}\r\n`, 'sends a line of more than 4096 bytes'],
    ['a line without an end', 'INFO '.padEnd(70_000), 'sends a line of more than 65536 bytes'],
  ])('end with a fault at %s', (_, text, message) => {
    expect(() => parse(text)).toThrow(new ProtocolFault(message));
  });

  test('that trickle in without an end are refused too', () => {
    expect(() => parse('x'.repeat(70_000), 100)).toThrow(new ProtocolFault('sends a line of more than 65536 bytes'));
  });
});
