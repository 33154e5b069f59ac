// The heads of an exchange as texts, for a plugin on the event loop.
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';

/**
 * Method, scheme, host, client, principal (JSON), path and query in lines that begin with a space, which no header does, and then the headers:
 * ` GET\n ...\nname:value\n...`
 */
export function requestText(exchange: Exchange): string {
  const { method, scheme, host, clientAddress, principal, path, query, requestHeaders } = exchange;
  // The name of a caller may have any character.
  const caller = principal === null ? 'null' : JSON.stringify(principal.id);
  return ` ${method}\n ${scheme}\n ${host}\n ${clientAddress}\n ${caller}\n ${path}\n ${query}${headersText(requestHeaders)}`;
}

/** The headers of an answer: `\nname:value\n...` */
export function headersText(headers: Headers): string {
  let text = '\n';
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i] as string}:${headers[i + 1] as string}\n`;
  return text;
}
