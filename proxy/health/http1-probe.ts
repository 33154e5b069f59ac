// The HTTP check with HTTP/1.1. undici parses the answer; the connection is that of the probe.
import type net from 'node:net';
import { Client } from 'undici';
import type { HttpCheck, ProbeTarget } from '../exchange/probe-target.ts';
import { authorityOf, headersOf, HttpAnswer } from './http-answer.ts';
import { failureOf } from './outcome.ts';
import type { Settle } from './outcome.ts';

const MAX_HEAD_BYTES = 16_384;

/** Probes an open connection. */
export function probeHttp1(target: ProbeTarget, check: HttpCheck, socket: net.Socket, settle: Settle): void {
  const client = new Client('http://probe', {
    // undici does not send the request if it gets its connection within the call.
    connect: (_, connected) => queueMicrotask(() => connected(null, socket)),
    allowH2: false,
    maxHeaderSize: MAX_HEAD_BYTES,
    // The probe has its own deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  socket.once('close', () => void client.destroy());
  const headers = ['host', authorityOf(target, check.host), ...headersOf(check).flat()];
  const answer = new HttpAnswer(check, settle);
  const { method, path } = check;
  client.dispatch({ path, method: method as 'GET', headers, reset: true }, handlerFor(answer, settle));
}

function handlerFor(answer: HttpAnswer, settle: Settle): Parameters<Client['dispatch']>[1] {
  return {
    onRequestStart: () => undefined,
    onResponseStart: (_, status) => {
      if (status >= 200) answer.status(status);
    },
    onResponseData: (_, chunk) => answer.data(chunk),
    onResponseEnd: () => answer.end(),
    onResponseError: (_, error) => settle(failureOf(error)),
  };
}
