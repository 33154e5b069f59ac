// Sends a request to an OCSP responder over HTTP. Its address is in a certificate, so the author of a Secret chooses it: only http, no
// redirects, no address of this machine or its link (metadata services and admin ports), with limits for time and bytes.
import dns from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';

/** The reasons for a failed request. */
export type FetchFault = 'refused_address' | 'unreachable' | 'http_status' | 'too_large';

/** The answer, not yet verified. */
export type FetchOcsp = (url: URL, body: Buffer, signal: AbortSignal) => Promise<Result<Buffer, FetchFault>>;

const TIMEOUT_MS = 10_000;
const MAX_RESPONSE_BYTES = 65_536;

const OFF_LIMITS = new BlockList();
OFF_LIMITS.addSubnet('0.0.0.0', 8);
OFF_LIMITS.addSubnet('127.0.0.0', 8);
OFF_LIMITS.addSubnet('169.254.0.0', 16);
OFF_LIMITS.addAddress('::', 'ipv6');
OFF_LIMITS.addAddress('::1', 'ipv6');
OFF_LIMITS.addSubnet('fe80::', 10, 'ipv6');

/** An IPv4 address inside an IPv6 address is checked as IPv4. */
function isOffLimits(address: string): boolean {
  return OFF_LIMITS.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

class RefusedAddress extends Error {}

/** Host names are checked by their addresses at the time of the connection. */
const lookup: LookupFunction = (hostname, options, callback) => {
  dns.lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, '');
    const allowed = addresses.filter(({ address }) => !isOffLimits(address));
    const [first] = allowed;
    if (first === undefined) return callback(new RefusedAddress(), '');
    if (options.all === true) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
};

/** Sends a request on its own connection. `allowLocal`: also to addresses of this machine. */
export function createFetch({ allowLocal }: { readonly allowLocal: boolean }): FetchOcsp {
  return async (url, body, signal) => {
    const hostname = url.hostname.replace(/^\[|\]$/g, '');
    if (url.protocol !== 'http:' || (!allowLocal && isIP(hostname) !== 0 && isOffLimits(hostname))) return err('refused_address');
    const agent = new Agent({ connect: allowLocal ? {} : { lookup }, connections: 1, pipelining: 0, maxResponseSize: MAX_RESPONSE_BYTES });
    try {
      return await ask(url, body, agent, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
    } catch (error) {
      return err(faultOf(error));
    } finally {
      void agent.destroy();
    }
  };
}

async function ask(url: URL, body: Buffer, dispatcher: Agent, signal: AbortSignal): Promise<Result<Buffer, FetchFault>> {
  const headers = { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' };
  const answer = await request(url, { method: 'POST', headers, body, dispatcher, signal });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    return err('http_status');
  }
  return ok(Buffer.from(await answer.body.arrayBuffer()));
}

function faultOf(error: unknown): FetchFault {
  if (error instanceof RefusedAddress) return 'refused_address';
  return (error as { code?: unknown } | null)?.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'too_large' : 'unreachable';
}
