// The service of a `ServiceDescriptorProto`.
import { ProtobufFault } from './fault.ts';
import type { RawFields } from './raw-fields.ts';
import { qualified, resolved } from './type-names.ts';
import type { MessageType, Method, Service } from './types.ts';

const SERVICE = { name: 1, methods: 2 };
const METHOD = { name: 1, input: 2, output: 3, options: 4, clientStreaming: 5, serverStreaming: 6 };

export function serviceOf(raw: RawFields, scope: string, messages: ReadonlyMap<string, MessageType>): Service {
  const service = qualified(scope, raw.text(SERVICE.name));
  const methods = raw.messages(SERVICE.methods).map((method) => methodOf(method, service, messages));
  if (new Set(methods.map(({ name }) => name)).size < methods.length) throw new ProtobufFault(`${service} has a method twice`);
  return { name: service, methods };
}

function methodOf(raw: RawFields, service: string, messages: ReadonlyMap<string, MessageType>): Method {
  const name = raw.text(METHOD.name);
  qualified(service, name);
  return {
    name,
    service,
    path: `/${service}/${name}`,
    input: resolved(messages, raw.text(METHOD.input)),
    output: resolved(messages, raw.text(METHOD.output)),
    clientStreaming: raw.flag(METHOD.clientStreaming),
    serverStreaming: raw.flag(METHOD.serverStreaming),
    options: raw.joined(METHOD.options),
  };
}
