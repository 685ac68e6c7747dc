import type {SshdSetting} from './load.ts';

/** AuthenticationMethods' name of a method, the keyword that turns it on, and whether it is on by default. */
const methods = new Map<string, [keyword: string, byDefault: 'yes' | 'no']>([
  ['publickey', ['PubkeyAuthentication', 'yes']],
  ['password', ['PasswordAuthentication', 'yes']],
  ['keyboard-interactive', ['KbdInteractiveAuthentication', 'yes']],
  ['hostbased', ['HostbasedAuthentication', 'no']],
  ['gssapi-with-mic', ['GSSAPIAuthentication', 'no']],
]);

/** Settings that sshd takes one by one and refuses together when it starts. Source: OpenSSH's sshd.c, main(). */
export function wholeProblems(settings: SshdSetting[]): Array<{where: string; problem: string}> {
  const first = (name: string) =>
    settings.find(({keyword, blocks}) => keyword.name === name && blocks.every(block => block.always));
  const problems: Array<{where: string; problem: string}> = [];

  for (const name of ['AuthorizedKeysCommand', 'AuthorizedPrincipalsCommand']) {
    const command = first(name);
    if (command !== undefined && command.texts[0] !== 'none' && first(`${name}User`) === undefined) {
      problems.push({where: command.where, problem: `${name} needs ${name}User`});
    }
  }

  const lists = first('AuthenticationMethods');
  const isOn = (method: string) => {
    const [keyword, byDefault] = methods.get(method.split(':')[0] as string) ?? ['', 'yes'];
    return (first(keyword)?.texts[0] ?? byDefault) === 'yes';
  };
  const wanted = lists?.texts[0]?.split(' ') ?? ['any'];
  if (lists !== undefined && !wanted.includes('any') && !wanted.some(list => list.split(',').every(isOn))) {
    problems.push({where: lists.where, problem: 'AuthenticationMethods names methods that are turned off'});
  }
  return problems;
}
