/** The limits that reeve sets itself beyond those of a check; docs/performance.md says why each. */
export const wanted = {
  idleCpuPercent: 0.2,
  agentRssMb: 80,
  linkRssMb: 60,
  changeVisibleMs: 2000,
  firstReportFindings: 200,
  firstReportBytes: 8 * 1024,
  firstReportTrips: 1,
  kbAHost: 120,
} as const;
