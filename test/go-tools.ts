// Builds all Go tools of the tests, one after the other: `npm test` does so while the tests without tools run. A failure is reported by
// the tests that need the tool; they try again.
import { PEBBLE } from './acme/pebble.ts';
import { ALERTMANAGER } from './alerts/alertmanager.ts';
import { DNS, SUITE } from './conformance/tools.ts';
import { CONSUL } from './discovery/consul-server.ts';
import { NATS } from './discovery/nats-server.ts';
import { INTEROP } from './grpc/interop.ts';
import { GRPC_PEER } from './grpc/peer.ts';
import { GRPCURL } from './guides/grpcurl.ts';
import { MASK } from './guides/processor.ts';
import { HELM } from './helm/helm.ts';
import { GO_HPACK } from './hpack/go-hpack.ts';
import { H2SPEC } from './http2/h2spec.ts';
import { WASM_MODULE } from './plugins/wasm-module.ts';
import { PROTOBUF_PEER } from './protobuf/protobuf-peer.ts';
import { buildGoTool } from './support/go-tool.ts';
import { OTEL_COLLECTOR } from './telemetry/collector.ts';

for (const tool of [
  H2SPEC,
  INTEROP,
  GRPC_PEER,
  GO_HPACK,
  SUITE,
  DNS,
  HELM,
  GRPCURL,
  PEBBLE,
  NATS,
  CONSUL,
  PROTOBUF_PEER,
  WASM_MODULE,
  MASK,
  ALERTMANAGER,
  OTEL_COLLECTOR,
])
  buildGoTool(tool);
