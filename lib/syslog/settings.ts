// Where a syslog server is.
import { err, ok, type Result } from '../result.ts';

export interface SyslogSettings {
  readonly host: string;
  readonly port: number;
  /** TLS (RFC 5425) instead of plain TCP (RFC 6587). */
  readonly tls: boolean;
  /** The authorities of the server's certificate, PEM; '' for those of the machine. */
  readonly caFile: string;
}

const PORTS: Readonly<Record<string, number>> = { 'tcp:': 601, 'tls:': 6514 };

const FORM = 'is not tcp://HOST:PORT or tls://HOST:PORT';

/** Parses `tcp://HOST:PORT` or `tls://HOST:PORT`; null for ''. The error is a sentence without its subject. */
export function parseSyslog(text: string, caFile = ''): Result<SyslogSettings | null> {
  if (text === '') return ok(null);
  if (!/^(?:tcp|tls):\/\/[^/?#@]+\/?$/.test(text)) return err(FORM);
  const url = URL.parse(text);
  if (url === null || url.hostname === '') return err(FORM);
  const port = PORTS[url.protocol] as number;
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  return ok({ host, port: url.port === '' ? port : Number(url.port), tls: url.protocol === 'tls:', caFile });
}
