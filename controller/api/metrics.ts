import type {Counters} from '../connections/liveness.ts';
import type {Totals} from '../protocol/api.ts';

export type Metric = {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  samples: Array<{labels?: {[name: string]: string}; value: number}>;
};

export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

/** Source: https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4. */
export function writeMetrics(metrics: readonly Metric[]): string {
  return metrics
    .map(({name, type, help, samples}) => {
      const lines = samples.map(({labels = {}, value}) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
        return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${number(value)}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
const number = (value: number) => (Number.isNaN(value) ? 'NaN' : value === Infinity ? '+Inf' : String(value));

const one = (name: string, type: Metric['type'], help: string, value: number): Metric => ({
  name,
  type,
  help,
  samples: [{value}],
});
const by = (
  name: string,
  type: Metric['type'],
  help: string,
  label: string,
  values: {[key: string]: number | undefined},
): Metric => ({
  name,
  type,
  help,
  samples: Object.entries(values).map(([key, value = 0]) => ({labels: {[label]: key}, value})),
});

/** `counters` is null where no listener for hosts runs. */
export function metricsOf(totals: Totals, counters: Counters | null, refusedTokens: number): Metric[] {
  return [
    ...storedMetrics(totals),
    ...(counters === null ? [] : connectionMetrics(counters)),
    one('reeve_api_tokens_refused_total', 'counter', 'Requests with a token that was not good.', refusedTokens),
    ...processMetrics(),
  ];
}

function storedMetrics(totals: Totals): Metric[] {
  return [
    by('reeve_hosts', 'gauge', 'Hosts by state.', 'state', totals.hosts),
    one('reeve_hosts_failing', 'gauge', 'Hosts with at least one failing finding.', totals.failing),
    {
      name: 'reeve_findings',
      type: 'gauge',
      help: 'Findings by verdict and severity.',
      samples: totals.findings.map(({verdict, severity, count}) => ({labels: {verdict, severity}, value: count})),
    },
    one('reeve_changes_kept', 'gauge', 'Changes in the database.', totals.changes),
    one('reeve_gaps_kept', 'gauge', 'Gaps in the streams of hosts, in the database.', totals.gaps),
    one('reeve_database_bytes', 'gauge', 'Size of the database.', totals.databaseBytes),
  ];
}

function connectionMetrics(now: Counters): Metric[] {
  return [
    one('reeve_connections', 'gauge', 'Open sockets of the listener for hosts.', now.sockets),
    one('reeve_connections_unknown', 'gauge', 'Open sockets without a right hello yet.', now.strangers),
    one('reeve_hosts_connected', 'gauge', 'Hosts that are connected.', now.hosts),
    one('reeve_hellos_total', 'counter', 'Hellos that were right.', now.accepted),
    by('reeve_upgrades_refused_total', 'counter', 'Upgrades refused, by HTTP status.', 'status', now.refusedUpgrades),
    one('reeve_connections_evicted_total', 'counter', 'Sockets ended to make room.', now.evicted),
    by('reeve_connections_refused_total', 'counter', 'Connections ended by an error.', 'code', now.refused),
    by('reeve_messages_total', 'counter', 'Messages of hosts, by type.', 'type', now.messages),
    one('reeve_batches_total', 'counter', 'Batches stored.', now.batches),
    one('reeve_batches_repeated_total', 'counter', 'Batches that had been stored before.', now.duplicateBatches),
    one('reeve_steps_total', 'counter', 'Steps in the batches stored.', now.items),
    one('reeve_received_bytes_total', 'counter', 'Bytes of the messages of hosts.', now.receivedBytes),
    one('reeve_resyncs_total', 'counter', 'Whole sets asked for because digests differed.', now.resyncs),
    one('reeve_settled_otherwise_total', 'counter', 'Whole sets that came to another digest.', now.settledOtherwise),
    one('reeve_store_queue', 'gauge', 'Requests that wait for the writer of the database.', now.storeQueue),
    {
      name: 'reeve_event_loop_lag_seconds',
      type: 'gauge',
      help: 'How late the event loop is.',
      samples: (['mean', 'p99', 'max'] as const).map(of => ({
        labels: {of},
        value: now.eventLoopLagMs[of] / 1000,
      })),
    },
  ];
}

function processMetrics(): Metric[] {
  const {user, system} = process.cpuUsage();
  return [
    one('process_cpu_seconds_total', 'counter', 'CPU time of the controller.', (user + system) / 1e6),
    one('process_resident_memory_bytes', 'gauge', 'Memory of the controller.', process.memoryUsage.rss()),
    one(
      'process_start_time_seconds',
      'gauge',
      'When the controller was started.',
      Math.round(Date.now() / 1000 - process.uptime()),
    ),
  ];
}
