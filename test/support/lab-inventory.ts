// The fleet as an inventory for the product.
import { join } from 'node:path';
import { stringify } from 'yaml';
import { repositoryFingerprint } from './duo-repository.ts';
import { LAB_CA_FILE, LAB_DUO_HOST, LAB_IKEY, LAB_REPOSITORY_HOST, LAB_SKEY } from './lab-hosts.ts';
import type { FleetPaths } from './lab-paths.ts';

/** Inventory variables of all hosts; `undefined` takes one away. */
export type LabVariables = Readonly<
  Record<string, string | number | boolean | readonly string[] | undefined>
>;

/** An inventory of `hosts` as YAML, with every variable that applying it in the lab needs. */
export async function labInventory(
  paths: FleetPaths,
  hosts: readonly { readonly name: string; readonly address: string }[],
  variables: LabVariables,
): Promise<string> {
  const everywhere: LabVariables = {
    ansible_user: 'automation',
    ansible_ssh_private_key_file: join(paths.keys, 'automation'),
    duo_ikey: LAB_IKEY,
    duo_skey: LAB_SKEY,
    duo_api_host: LAB_DUO_HOST,
    duo_failmode: 'safe',
    duo_cafile: LAB_CA_FILE,
    // Mixed case, as an AD administrator writes them; the hosts know them in lower case.
    ad_server_access_group: 'SG_ServerAccess',
    ad_sudo_group: 'SG_Sudo',
    break_glass_user: 'breakglass',
    pbr_admin_allowed_sources: ['198.18.0.0/15'],
    canary_user: 'canary',
    canary_private_key_file: join(paths.keys, 'canary'),
    duo_repo_url: `http://${LAB_REPOSITORY_HOST}`,
    duo_repo_key: `http://${LAB_REPOSITORY_HOST}/DUO-GPG-PUBLIC-KEY.asc`,
    duo_repo_key_fingerprints: [await repositoryFingerprint()],
    ...variables,
  };
  return stringify({
    all: {
      hosts: Object.fromEntries(hosts.map((host) => [host.name, { ansible_host: host.address }])),
      vars: Object.fromEntries(Object.entries(everywhere).filter(([, value]) => value !== undefined)),
    },
  });
}
