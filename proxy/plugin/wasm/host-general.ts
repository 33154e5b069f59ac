// Host functions about the log, time, properties, and functions that other hosts may have.
import { LEVELS, type ModuleState } from './module-state.ts';
import { propertyOf } from './properties.ts';
import { STATUS, type HostFunctions } from './status.ts';
import { wallClock } from './wasi.ts';

/** Bytes of a path, of a value, and the number of the properties that a module sets of one exchange. */
const MAX_PATH = 1_024;
const MAX_VALUE = 16_384;
const MAX_PROPERTIES = 64;
/** Bytes of a message that are read for a line. */
const MAX_MESSAGE = 4_096;
/** Between two ticks, milliseconds. */
const MIN_TICK = 10;

export function generalFunctions(state: ModuleState): HostFunctions {
  const { memory } = state;
  return {
    proxy_log: (level: number, pointer: number, size: number) => {
      if (LEVELS[level] === undefined) return STATUS.badArgument;
      state.log(level, memory.view(pointer, size).subarray(0, MAX_MESSAGE).toString());
      return STATUS.ok;
    },
    proxy_get_log_level: (at: number) => {
      memory.writeU32(at, state.options.settings.logLevel);
      return STATUS.ok;
    },
    proxy_get_current_time_nanoseconds: (at: number) => {
      memory.writeU64(at, wallClock());
      return STATUS.ok;
    },
    proxy_set_tick_period_milliseconds: (period: number) => {
      state.events.setTick(period === 0 ? 0 : Math.max(MIN_TICK, period >>> 0));
      return STATUS.ok;
    },
    ...propertyFunctions(state),
    proxy_call_foreign_function: (name: number, nameSize: number) => {
      state.tellUnsupported(`the foreign function ${memory.latin1(name, Math.min(nameSize >>> 0, 100), 100)}`);
      return STATUS.notFound;
    },
  };
}

function propertyFunctions(state: ModuleState): HostFunctions {
  const { memory } = state;
  return {
    proxy_get_property: (path: number, pathSize: number, addressAt: number, sizeAt: number) => {
      const value = propertyOf(state, partsOf(memory.latin1(path, pathSize, MAX_PATH)));
      if (value === null) return STATUS.notFound;
      memory.give(value, addressAt, sizeAt);
      return STATUS.ok;
    },
    proxy_set_property: (path: number, pathSize: number, value: number, valueSize: number) => {
      const name = partsOf(memory.latin1(path, pathSize, MAX_PATH)).join('.');
      const own = state.stream?.own;
      const bytes = memory.bytes(value, valueSize, MAX_VALUE);
      if (own === undefined) return STATUS.notFound;
      if (!own.has(name) && own.size >= MAX_PROPERTIES) return STATUS.internalFailure;
      own.set(name, bytes);
      return STATUS.ok;
    },
  };
}

/** The parts of a path, which end with a zero each. */
function partsOf(path: string): readonly string[] {
  return path.replace(/\0$/, '').split('\0');
}
