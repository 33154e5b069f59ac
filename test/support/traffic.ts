// Constant traffic while something happens: every answer is judged, none may be missing.
import net from 'node:net';
import { Agent, request } from 'undici';

/** Judges an answer: null when it is right, else what is wrong with it. */
export type Judge = (status: number, body: string) => string | null;

/** One stream of requests, one after another. */
export interface Flow {
  readonly url: string;
  readonly judge: Judge;
  /** `keep-alive`: one connection for all; `new`: one each. */
  readonly connections: 'keep-alive' | 'new';
}

/** What a traffic saw. */
export interface TrafficResult {
  readonly requests: number;
  readonly failures: readonly string[];
}

/** Runs all flows until `during` is done, and once more after it. */
export async function traffic(flows: readonly Flow[], during: () => Promise<void>): Promise<TrafficResult> {
  let over = false;
  const running = flows.map((flow) => (flow.connections === 'new' ? fresh(flow, () => over) : kept(flow, () => over)));
  try {
    await during();
  } finally {
    over = true;
  }
  const results = await Promise.all(running);
  return { requests: results.reduce((sum, each) => sum + each.requests, 0), failures: results.flatMap(({ failures }) => failures) };
}

async function kept(flow: Flow, over: () => boolean): Promise<TrafficResult> {
  const agent = new Agent({ connections: 1, pipelining: 1 });
  const result = await repeat(flow, over, async () => {
    const { statusCode, body } = await request(flow.url, { dispatcher: agent });
    return flow.judge(statusCode, await body.text());
  });
  await agent.close();
  return result;
}

function fresh(flow: Flow, over: () => boolean): Promise<TrafficResult> {
  const { hostname, port, host, pathname, search } = new URL(flow.url);
  const bytes = `GET ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`;
  return repeat(flow, over, async () => {
    const answer = await exchange(hostname, Number(port), bytes);
    const head = answer.indexOf('\r\n\r\n');
    return flow.judge(Number(answer.slice(9, 12)), answer.slice(head + 4));
  });
}

function exchange(host: string, port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(port, host, () => socket.write(bytes));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.once('end', () => resolve(answer));
    socket.once('error', reject);
  });
}

async function repeat(flow: Flow, over: () => boolean, once: () => Promise<string | null>): Promise<TrafficResult> {
  const failures: string[] = [];
  let requests = 0;
  for (let last = false; !last; requests++) {
    last = over();
    const failure = await once().catch((error: unknown) => String(error));
    if (failure !== null) failures.push(`${flow.connections} ${flow.url}: ${failure}`);
    // A broken proxy must not fill the memory with failures.
    if (failures.length > 100) break;
  }
  return { requests, failures };
}
