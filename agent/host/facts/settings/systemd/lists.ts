/**
 * Settings whose assignments add up; an empty one takes back all before it. Of every other setting the last assignment
 * wins. Source: systemd.unit(5), systemd.service(5), systemd.socket(5), systemd.exec(5), systemd.resource-control(5),
 * systemd.kill(5), and the pages of systemd's own configuration files.
 */
const lists = `
  After Alias Also Before BindsTo BoundBy Conflicts ConflictedBy Documentation JoinsNamespaceOf OnFailure OnSuccess PartOf
  PropagatesReloadTo PropagatesStopTo ReloadPropagatedFrom RequiredBy Requires RequiresMountsFor Requisite StopPropagatedFrom UpheldBy
  Upholds WantedBy Wants WantsMountsFor
  AssertPathExists ConditionPathExists ConditionPathIsDirectory ConditionPathIsMountPoint ConditionFileNotEmpty ConditionVirtualization ConditionKernelCommandLine
  ExecCondition ExecReload ExecStart ExecStartPost ExecStartPre ExecStop ExecStopPost
  ListenDatagram ListenFIFO ListenNetlink ListenSequentialPacket ListenStream OnActiveSec OnBootSec OnCalendar OnStartupSec OnUnitActiveSec OnUnitInactiveSec
  AmbientCapabilities BindPaths BindReadOnlyPaths CapabilityBoundingSet CacheDirectory ConfigurationDirectory Environment EnvironmentFile
  ExecPaths ExecSearchPath ExtensionDirectories ExtensionImages ImportCredential InaccessiblePaths LoadCredential LoadCredentialEncrypted
  LogExtraFields LogFilterPatterns LogsDirectory MountImages NoExecPaths PassEnvironment ReadOnlyPaths ReadWritePaths
  RestrictAddressFamilies RestrictFileSystems RestrictNetworkInterfaces RuntimeDirectory SetCredential SetCredentialEncrypted
  StateDirectory SupplementaryGroups SystemCallArchitectures SystemCallFilter SystemCallLog TemporaryFileSystem UnsetEnvironment
  BPFProgram DeviceAllow DisableControllers IOReadBandwidthMax IOWriteBandwidthMax IPAddressAllow IPAddressDeny IPEgressFilterPath IPIngressFilterPath
  SocketBindAllow SocketBindDeny NFTSet RestartForceExitStatus RestartPreventExitStatus SuccessExitStatus
  DefaultEnvironment ManagerEnvironment DNS Domains FallbackDNS FallbackNTP NTP
`;

const names = new Set(lists.trim().split(/\s+/));

export const isSystemdList = (key: string): boolean => names.has(key);
