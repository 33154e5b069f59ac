// Host functions about shared data, queues and metrics.
import type { ModuleState } from './module-state.ts';
import { STATUS, type HostFunctions } from './status.ts';

const MAX_NAME = 1_024;
const MAX_VALUE = 1_048_576;

export function sharedFunctions(state: ModuleState): HostFunctions {
  return { ...dataFunctions(state), ...queueFunctions(state), ...metricFunctions(state) };
}

function dataFunctions({ memory, store }: ModuleState): HostFunctions {
  return {
    proxy_get_shared_data: (key: number, keySize: number, addressAt: number, sizeAt: number, casAt: number) => {
      const value = store.get(memory.latin1(key, keySize, MAX_NAME));
      if (value === null) return STATUS.notFound;
      memory.view(casAt, 4);
      memory.give(value.bytes, addressAt, sizeAt);
      memory.writeU32(casAt, value.cas);
      return STATUS.ok;
    },
    proxy_set_shared_data: (key: number, keySize: number, value: number, valueSize: number, cas: number) =>
      store.set(memory.latin1(key, keySize, MAX_NAME), memory.bytes(value, valueSize, MAX_VALUE), cas >>> 0),
  };
}

function queueFunctions({ memory, store, events, options }: ModuleState): HostFunctions {
  return {
    proxy_register_shared_queue: (name: number, nameSize: number, idAt: number) => {
      memory.view(idAt, 4);
      const queue = store.register(memory.latin1(name, nameSize, MAX_NAME));
      if (queue === 0) return STATUS.internalFailure;
      memory.writeU32(idAt, queue);
      return STATUS.ok;
    },
    // Modules are isolated, so that a module finds its own queues only, under whatever name of a VM it has for itself.
    proxy_resolve_shared_queue: (vm: number, vmSize: number, name: number, nameSize: number, idAt: number) => {
      const vmId = memory.latin1(vm, vmSize, MAX_NAME);
      const queue = store.resolve(memory.latin1(name, nameSize, MAX_NAME));
      if (queue === 0 || (vmId !== '' && vmId !== options.name)) return STATUS.notFound;
      memory.writeU32(idAt, queue);
      return STATUS.ok;
    },
    proxy_enqueue_shared_queue: (queue: number, value: number, valueSize: number) => {
      const status = store.enqueue(queue, memory.bytes(value, valueSize, MAX_VALUE));
      if (status === STATUS.ok) events.queued(queue);
      return status;
    },
    proxy_dequeue_shared_queue: (queue: number, addressAt: number, sizeAt: number) => {
      memory.view(addressAt, 4);
      memory.view(sizeAt, 4);
      const item = store.dequeue(queue);
      if (typeof item === 'number') return item;
      memory.give(item, addressAt, sizeAt);
      return STATUS.ok;
    },
  };
}

function metricFunctions({ memory, metrics }: ModuleState): HostFunctions {
  return {
    proxy_define_metric: (type: number, name: number, nameSize: number, idAt: number) => {
      memory.view(idAt, 4);
      const defined = metrics.define(type, memory.latin1(name, nameSize, MAX_NAME));
      if (typeof defined === 'number') return defined;
      memory.writeU32(idAt, defined.id);
      return STATUS.ok;
    },
    proxy_record_metric: (id: number, value: bigint) => metrics.record(id, Number(BigInt.asUintN(64, value))),
    proxy_increment_metric: (id: number, by: bigint) => metrics.increment(id, Number(by)),
    proxy_get_metric: (id: number, at: number) => {
      const value = metrics.value(id);
      if (value === null) return STATUS.notFound;
      memory.writeU64(at, BigInt(Math.trunc(value)));
      return STATUS.ok;
    },
  };
}
