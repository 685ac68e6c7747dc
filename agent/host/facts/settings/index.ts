import type {SettingFormat} from '../../../../policies/facts/setting.ts';
import {readAptConf} from './apt-conf.ts';
import {readEnv} from './env.ts';
import {readGcfg} from './gcfg.ts';
import {readGrub} from './grub.ts';
import {readIni} from './ini.ts';
import {readJson} from './json.ts';
import {readKeyValue} from './key-value.ts';
import {readLimits} from './limits.ts';
import {readLoginDefs} from './login-defs.ts';
import {readModprobe} from './modprobe.ts';
import {readPam} from './pam.ts';
import type {SettingReader} from './reader.ts';
import {readSshd} from './sshd.ts';
import {readSudoersSetting} from './sudoers.ts';
import {readSystemdConf} from './systemd-conf.ts';
import {readSystemdUnit} from './systemd-unit.ts';
import {readToml} from './toml.ts';
import {readYaml} from './yaml.ts';

/** Every format and who reads it, sorted by name. */
export const settingReaders: {[F in SettingFormat]: SettingReader} = {
  'apt.conf': readAptConf,
  env: readEnv,
  gcfg: readGcfg,
  grub: readGrub,
  ini: readIni,
  json: readJson,
  'key-value': readKeyValue,
  limits: readLimits,
  'login.defs': readLoginDefs,
  modprobe: readModprobe,
  pam: readPam,
  sshd: readSshd,
  sudoers: readSudoersSetting,
  'systemd-conf': readSystemdConf,
  'systemd-unit': readSystemdUnit,
  toml: readToml,
  yaml: readYaml,
};
