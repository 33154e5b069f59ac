// Builds every tool of the tests that comes from Go, one after the other: `npm test` does so beside the tests that need none. A failure
// shows in the tests that need the tool, which try again.
import { DNS, SUITE } from './conformance/tools.ts';
import { INTEROP } from './grpc/interop.ts';
import { GRPC_PEER } from './grpc/peer.ts';
import { GRPCURL } from './guides/grpcurl.ts';
import { HELM } from './helm/helm.ts';
import { GO_HPACK } from './hpack/go-hpack.ts';
import { H2SPEC } from './http2/h2spec.ts';
import { buildGoTool } from './support/go-tool.ts';

for (const tool of [H2SPEC, INTEROP, GRPC_PEER, GO_HPACK, SUITE, DNS, HELM, GRPCURL]) buildGoTool(tool);
