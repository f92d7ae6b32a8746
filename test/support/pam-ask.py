"""Asks the real libpam what stacks come to.

Reads one JSON document a line, {"files": {NAME: TEXT}, "service": NAME, "user": NAME, "password": TEXT or null}, writes one
for each: {"start": CODE, "authenticate": CODE, "setcred": CODE, "alone": CODE, "account": CODE}, numbers as in
security/_pam_types.h. "account" and "alone", which is pam_setcred without an authenticate before it, are of handles of
their own. All but "start" are null where pam_start fails. The password is typed wherever something is asked for; with null
nothing can be. Empties /etc/pam.d: run it where that is a folder of its own.
"""
import ctypes
import glob
import json
import os
import sys

FOLDER = b'/etc/pam.d'
PAM_FAIL_DELAY = 10
PAM_ESTABLISH_CRED = 2
PAM_SILENT = 0x8000
PAM_CONV_ERR = 19
PAM_TEXT_INFO = 4
PAM_ERROR_MSG = 3

libc = ctypes.CDLL('libc.so.6')
libc.calloc.restype = ctypes.c_void_p
libc.calloc.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
libc.strdup.restype = ctypes.c_void_p
libc.strdup.argtypes = [ctypes.c_char_p]
libpam = ctypes.CDLL('libpam.so.0')
# Held open, or libpam would load and unload them for every single stack.
held = [ctypes.CDLL(path) for path in glob.glob('/lib/*/security/pam_[dp]e[bnr]*.so')]


class Message(ctypes.Structure):
    _fields_ = [('style', ctypes.c_int), ('text', ctypes.c_char_p)]


class Response(ctypes.Structure):
    _fields_ = [('text', ctypes.c_void_p), ('code', ctypes.c_int)]


MESSAGES = ctypes.POINTER(ctypes.POINTER(Message))
RESPONSES = ctypes.POINTER(ctypes.POINTER(Response))
CONVERSE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, MESSAGES, RESPONSES, ctypes.c_void_p)
DELAY = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_uint, ctypes.c_void_p)


class Conversation(ctypes.Structure):
    _fields_ = [('converse', CONVERSE), ('data', ctypes.c_void_p)]


typed = None


@CONVERSE
def converse(count, messages, responses, _data):
    """Hears what modules tell, and types the password where one asks."""
    memory = libc.calloc(count, ctypes.sizeof(Response))
    answers = ctypes.cast(memory, ctypes.POINTER(Response))
    for at in range(count):
        if messages[at].contents.style in (PAM_TEXT_INFO, PAM_ERROR_MSG):
            continue
        if typed is None:
            return PAM_CONV_ERR
        answers[at].text = libc.strdup(typed)
    responses[0] = answers
    return 0


@DELAY
def no_delay(_status, _delay, _data):
    """Stands in for the wait after a failure."""


def put(files):
    for name in os.listdir(FOLDER):
        os.unlink(os.path.join(FOLDER, name))
    for name, text in files.items():
        with open(os.path.join(FOLDER, name.encode()), 'wb') as file:
            file.write(text.encode())


class Handle:
    def __init__(self, service, user):
        self.handle = ctypes.c_void_p()
        self.talk = Conversation(converse, None)
        talk, handle = ctypes.byref(self.talk), ctypes.byref(self.handle)
        self.code = libpam.pam_start(service.encode(), user.encode(), talk, handle)
        if self.code == 0:
            libpam.pam_set_item(self.handle, PAM_FAIL_DELAY, no_delay)

    def __enter__(self):
        return self.handle

    def __exit__(self, *_ignored):
        if self.code == 0:
            libpam.pam_end(self.handle, 0)


def ask(service, user):
    started = Handle(service, user)
    answers = {'start': started.code, 'authenticate': None, 'setcred': None, 'alone': None, 'account': None}
    if started.code != 0:
        return answers
    with started as handle:
        answers['authenticate'] = libpam.pam_authenticate(handle, PAM_SILENT)
        answers['setcred'] = libpam.pam_setcred(handle, PAM_ESTABLISH_CRED | PAM_SILENT)
    with Handle(service, user) as handle:
        answers['account'] = libpam.pam_acct_mgmt(handle, PAM_SILENT)
    with Handle(service, user) as handle:
        answers['alone'] = libpam.pam_setcred(handle, PAM_ESTABLISH_CRED | PAM_SILENT)
    return answers


for line in sys.stdin:
    question = json.loads(line)
    put(question['files'])
    password = question.get('password')
    typed = None if password is None else password.encode()
    print(json.dumps(ask(question['service'], question.get('user', 'nobody'))), flush=True)
