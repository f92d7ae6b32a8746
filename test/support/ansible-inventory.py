"""Asks Ansible itself what inventories say, many in one process: a list of questions on stdin, answers on stdout (JSON).

A question: {"sources": [path, ...], "limits": [pattern, ...]}, with the folder to be in as "cwd".
An answer: {"problems": [...], "hosts": [name, ...], "groups": {name: {"children": [...], "hosts": [...]}},
"members": {host: [group, ...]}, "variables": {host: {name: value}}, "limits": [[name, ...] or null, ...]},
or {"problems": [...]} alone, where it gave up. null: Ansible had something to say about the pattern.
"""
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Mapping

for name in [name for name in os.environ if name.startswith('ANSIBLE_')]:
    del os.environ[name]
SETTINGS = tempfile.NamedTemporaryFile(suffix='.cfg')
os.environ['ANSIBLE_CONFIG'] = SETTINGS.name
from ansible.inventory.group import Group
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode
from ansible.utils.display import Display
from ansible.vars.manager import VariableManager
from ansible.cli.inventory import INTERNAL_VARS

INTEGER_MAX = 2**53 - 1
WARNINGS = []


def descendants(self, rel, include_self=False, preserve_ordering=False):
    """As Ansible's, which walks a set of objects, so that the order below the second level changes from run to run."""
    found = dict.fromkeys([self] if include_self else [])
    level = [self]
    while level:
        level = [each for group in level for each in getattr(group, rel) if each not in found]
        level = list(dict.fromkeys(level))
        found.update(dict.fromkeys(level))
    return list(found) if preserve_ordering else set(found)


def plain(value):
    """As JSON has it, and as JavaScript can hold it."""
    if isinstance(value, AnsibleVaultEncryptedUnicode):
        return {'!vault': True}
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= INTEGER_MAX else str(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value]


def chosen(inventory, pattern):
    del WARNINGS[:]
    inventory.clear_caches()
    try:
        inventory.subset(pattern)
        hosts = [host.name for host in inventory.get_hosts('all')]
    except Exception:
        return None
    finally:
        inventory.subset(None)
    return None if any(warning.startswith('Could not match') for warning in WARNINGS) else hosts


def answer(question):
    os.chdir(question['cwd'])
    del WARNINGS[:]
    loader = DataLoader()
    # Where a playbook would be: what is beside it counts, too, and nothing is there.
    loader.set_basedir('/nonexistent')
    try:
        inventory = InventoryManager(loader=loader, sources=[os.path.abspath(source) for source in question['sources']])
        variables = VariableManager(loader=loader, inventory=inventory)
        hosts = inventory.get_hosts('all')
        result = {
            'problems': list(WARNINGS),
            'hosts': [host.name for host in hosts],
            'groups': {
                name: {
                    'children': [child.name for child in group.child_groups],
                    'hosts': [host.name for host in group.get_hosts()],
                }
                for name, group in inventory.groups.items()
            },
            'members': {host.name: sorted(group.name for group in host.get_groups()) for host in hosts},
            'variables': {
                host.name: {
                    name: plain(value)
                    for name, value in variables.get_vars(host=host, include_hostvars=False, stage='all').items()
                    if name not in INTERNAL_VARS
                }
                for host in hosts
            },
        }
        result['limits'] = [chosen(inventory, pattern) for pattern in question['limits']]
        return result
    except Exception as error:
        return {'problems': [*WARNINGS, '%s: %s' % (type(error).__name__, error)]}


Group._walk_relationship = descendants
Display.warning = lambda self, message, formatted=False: WARNINGS.append(str(message))
Display.display = lambda self, *arguments, **named: None
json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
