#!/usr/bin/env python3
"""Rescue: restores from the home of one Drystone peer, without Drystone.

This program is the twin of store/FORMAT.md. It was written from that text alone, shares no code
with Drystone, and is there to show that the text is complete; and for the day when nothing is left
but a disk, a sheet of words and a Python. It reads top down: each part says which section of
FORMAT.md it follows.

    rescue.py HOME --list [--words FILE]
    rescue.py HOME --base NAME[@LABEL] TARGET
    rescue.py HOME --words FILE --endpoint NAME [--point N] TARGET
    rescue.py HOME --endpoint NAME [--point N] TARGET        from the computer's own home

    ... --also HOME                                     for what the first home has not, such as
                                                        the base under a computer's own points

FILE holds the mesh's 24 words, both of its split phrases, or the endpoint's own 24 words; `-` reads
them from standard input. TARGET must be empty, or not be there yet. The home is only read.

Nothing is believed: not a length before it was compared with what is there, not a block before its
hash, not a record before its signature, not a directory before its digest. In the end everything
that was written is read back from the disk. What cannot be had is named, and the rest restored.

Exit code: 0 when all is as it was, 1 when something is not (it is named), 2 when nothing was done.
"""

import argparse
import collections
import datetime
import hashlib
import hmac
import io
import os
import re
import stat
import struct
import sys
import unicodedata
import zlib


def give_up(reason):
    print(f'rescue: {reason}', file=sys.stderr)
    sys.exit(2)


try:
    from cryptography.exceptions import InvalidSignature, InvalidTag
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey, Ed25519PublicKey)
    from cryptography.hazmat.primitives.asymmetric.x25519 import (
        X25519PrivateKey, X25519PublicKey)
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
except ImportError:
    give_up('the Python module cryptography is missing (Debian: python3-cryptography)')

KIB, MIB = 1 << 10, 1 << 20
BLOCK_MAX = MIB
WHOLE_MAX = (1 << 53) - 1


class Bad(Exception):
    """Bytes that are not what FORMAT.md says."""


class Lost(Exception):
    """Something that is not in this home, or is damaged there."""


def need(holds, what):
    if not holds:
        raise Bad(what)


def sha256(data):
    return hashlib.sha256(data).digest()


def show(data):
    """Any bytes or text, so that a terminal shows them and does nothing else."""
    text = data.decode('utf-8', 'backslashreplace') if isinstance(data, bytes) else data
    return ''.join(c if unicodedata.category(c)[0] != 'C' else ascii(c)[1:-1] for c in text)


def day(ms):
    try:
        moment = datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc)
        return moment.isoformat(sep=' ', timespec='seconds')
    except (ValueError, OverflowError, OSError):
        return f'{ms} ms'


# --- zstd: whichever module is here ---------------------------------------------------------------

def frame_size(frame):
    """What a frame says it unpacks to (RFC 8878, 3.1.1.1); None where it says nothing."""
    need(len(frame) >= 6 and frame[:4] == b'\x28\xb5\x2f\xfd', 'no zstd frame')
    is_single = frame[4] >> 5 & 1
    at = 5 + (0 if is_single else 1) + (0, 1, 2, 4)[frame[4] & 3]
    width = (is_single, 2, 4, 8)[frame[4] >> 6]
    if width == 0:
        return None
    return int.from_bytes(frame[at:at + width], 'little') + (256 if width == 2 else 0)


def find_zstd():
    """A function (frame, most) that unpacks to hardly more than `most` bytes, whatever comes."""
    try:
        import zstandard
        tool = zstandard.ZstdDecompressor(max_window_size=BLOCK_MAX)
        return lambda frame, most: tool.stream_reader(io.BytesIO(frame)).read(most + 1)
    except ImportError:
        pass
    try:
        from compression import zstd as standard  # from Python 3.14 on
        options = {standard.DecompressionParameter.window_log_max: 20}
        return lambda frame, most: standard.ZstdDecompressor(options=options).decompress(
            frame, most + 1)
    except ImportError:
        pass
    try:
        import zstd
    except ImportError:
        give_up('a zstd module is missing (Debian: python3-zstandard or python3-zstd)')

    def unpack(frame, most):
        # This module makes room for what the frame says.
        size = frame_size(frame)
        need(size is not None, 'a zstd frame without its size: install python3-zstandard')
        need(size <= most, 'a zstd frame of more than a block')
        return zstd.decompress(frame)
    return unpack


ZSTD = find_zstd()


def unpack(frame, most=BLOCK_MAX):
    try:
        plain = ZSTD(frame, most)
    except Bad:
        raise
    except Exception as cause:  # each module has errors of its own
        raise Bad(f'zstd: {cause}') from None
    need(len(plain) <= most, 'a zstd frame of more than it may be')
    return plain


# --- FORMAT.md: DAG-CBOR --------------------------------------------------------------------------

def decode(data):
    """The one value whose one encoding is `data`."""
    value, end = decode_item(data, 0, 0)
    need(end == len(data), 'bytes after the value')
    return value


def decode_item(data, at, depth):
    need(at < len(data), 'the bytes end inside a value')
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    need(low < 28, 'an indefinite or reserved length')
    number = low
    if low >= 24:
        width = 1 << low - 24
        need(at + width <= len(data), 'the bytes end inside a value')
        number = int.from_bytes(data[at:at + width], 'big')
        # There are no numbers with a fraction in any structure, so none are read.
        need(major != 7, 'a number that is not whole')
        need(number >= (24, 1 << 8, 1 << 16, 1 << 32)[low - 24], 'a number in too many bytes')
        at += width
    if major == 0:
        need(number <= WHOLE_MAX, 'a number over 2^53')
        return number, at
    if major == 1:
        need(number < WHOLE_MAX, 'a number under -2^53')
        return -1 - number, at
    if major == 7:
        need(low in (20, 21, 22), 'a value of unknown kind')
        return (False, True, None)[low - 20], at
    need(major != 6, 'a tag')
    need(number * (2 if major == 5 else 1) <= len(data) - at, 'a length past the end')
    if major == 2:
        return data[at:at + number], at + number
    if major == 3:
        return decode_text(data[at:at + number]), at + number
    need(depth < 32, 'nested deeper than 32')
    items = []
    for _ in range(number * (2 if major == 5 else 1)):
        item, at = decode_item(data, at, depth + 1)
        items.append(item)
    return (items if major == 4 else decode_map(items)), at


def decode_text(data):
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError:
        raise Bad('a text that is not UTF-8') from None


def decode_map(items):
    keys = items[::2]
    need(all(isinstance(key, str) for key in keys), 'a key that is no text')
    order = [(len(key.encode()), key.encode()) for key in keys]
    need(all(a < b for a, b in zip(order, order[1:])), 'keys out of order')
    return dict(zip(keys, items[1::2]))


def fits(value, shape):
    """`shape`: int (not negative) or another type; a number: so many bytes; a tuple: any."""
    if isinstance(shape, tuple):
        return any(fits(value, each) for each in shape)
    if shape in (bool, str, bytes, list, dict, type(None)):
        return isinstance(value, shape)
    if shape is int:
        return type(value) is int and value >= 0
    return isinstance(value, bytes) and len(value) == shape


def read_map(value, must, may=None):
    """A map of version 1 with exactly these fields."""
    may = may or {}
    need(isinstance(value, dict), 'no map')
    need(must.keys() | {'v'} <= value.keys() <= must.keys() | may.keys() | {'v'}, 'other fields')
    need(value['v'] == 1 and value['v'] is not True, 'an unknown version')
    for name, shape in (must | may).items():
        need(name not in value or fits(value[name], shape), f'{name} is not what it should be')
    return value


def read_list(value, *shapes):
    need(isinstance(value, list) and len(value) == len(shapes), 'a list of another length')
    need(all(fits(item, shape) for item, shape in zip(value, shapes)), 'a list of other things')
    return value


# --- FORMAT.md: A home ----------------------------------------------------------------------------

class Home:
    """The files of a home. No link is followed, nothing but regular files is opened."""

    def __init__(self, folder):
        self.folder = folder

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def list(self, *names):
        try:
            return sorted(os.listdir(self.path(*names)))
        except FileNotFoundError:
            return []

    def open(self, *names):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file = os.fdopen(os.open(self.path(*names), flags), 'rb', buffering=0)
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise Bad('no regular file')
        return file

    def read(self, *names, most):
        """Up to `most` bytes; None if there is no such file, or it cannot be read."""
        try:
            with self.open(*names) as file:
                data = read_up_to(file, most + 1)
        except (OSError, Bad):
            return None
        return data if len(data) <= most else None

    def read_spared(self, *names, most):
        """A file that is kept twice."""
        first = self.read(*names, most=most)
        spare = self.read('spare', *names, most=most + 32)
        if spare is None or len(spare) < 32 or not any(spare):
            return first
        total, meant = spare[:32], spare[32:]
        if sha256(meant) == total:
            return meant
        if first is not None and (sha256(first) == total or first == meant):
            return first
        raise Lost(f'{"/".join(names)} and its spare are both damaged')


def read_up_to(file, most):
    parts, left = [], most
    while left > 0:
        part = file.read(min(left, MIB))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b''.join(parts)


# --- FORMAT.md: Keys, Words, Escrow ---------------------------------------------------------------

def mac(key, *parts):
    return hmac.new(key, b''.join(parts), hashlib.sha256).digest()


def hkdf(key, salt, info):
    """HKDF-SHA-256 (RFC 5869) of 32 bytes, which is one round."""
    return mac(mac(salt or bytes(32), key), info, b'\x01')


def kdf(key, name, salt=b''):
    return hkdf(key, salt, b'drystone/1/' + name.encode())


def public_of(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key()
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def is_signed(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


def words_to_secrets(text):
    """The 32 bytes of each 24 words. Of a sheet, only the numbered rows are words."""
    rows = [line for line in text.splitlines() if re.match(r'\s*\d+\.\s', line)]
    plain = unicodedata.normalize('NFKD', '\n'.join(rows) or text).lower()
    parts = re.split(r'[\s,;\-\u2010-\u2015\u2212]+', plain)
    words = [re.sub(r'^\(?\d+[.):]*', '', part).rstrip('.:') for part in parts]
    words = [word for word in words if word]
    need(len(words) in (24, 48), f'24 words are needed, or twice 24, and {len(words)} were given')
    number = {word: n for n, word in enumerate(WORDS)}
    for at, word in enumerate(words, 1):
        need(word in number, f'word {at} is not in the word list')
    secrets = []
    for at in range(0, len(words), 24):
        bits = 0
        for word in words[at:at + 24]:
            bits = bits << 11 | number[word]
        secret = (bits >> 8).to_bytes(32, 'big')
        need(sha256(secret)[0] == bits & 255, 'the checksum of the words is wrong')
        secrets.append(secret)
    return secrets


def words_to_secret(text):
    """What 24 words stand for, or two phrases of 24 together."""
    secrets = words_to_secrets(text)
    return secrets[0] if len(secrets) == 1 else bytes(a ^ b for a, b in zip(*secrets))


def from_base64(text):
    import base64
    data = base64.b64decode(text + b'=' * (-len(text) % 4), validate=True)
    need(base64.b64encode(data).rstrip(b'=') == text, 'base64 in another form')
    return data


def open_age(secret, file):
    """What an age file holds for the X25519 identity of these 32 bytes (age-encryption.org/v1)."""
    lines = file[:4 * KIB].split(b'\n')
    need(lines[0] == b'age-encryption.org/v1', 'no age file')
    identity = X25519PrivateKey.from_private_bytes(secret)
    recipient = identity.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    file_key, at = None, 1
    while at < len(lines) and lines[at].startswith(b'-> '):
        args, body, at = lines[at].split(b' ')[1:], b'', at + 1
        while at < len(lines):
            body, at = body + lines[at], at + 1
            if len(lines[at - 1]) < 64:
                break
        if args[0] != b'X25519' or file_key is not None:
            continue
        need(len(args) == 2, 'a broken stanza')
        share = from_base64(args[1])
        need(len(share) == 32, 'a broken stanza')
        try:
            shared = identity.exchange(X25519PublicKey.from_public_bytes(share))
            wrap = hkdf(shared, share + recipient, b'age-encryption.org/v1/X25519')
            file_key = ChaCha20Poly1305(wrap).decrypt(bytes(12), from_base64(body), None)
        except (InvalidTag, ValueError):
            continue
    need(at < len(lines) - 1 and lines[at].startswith(b'--- '), 'a broken age header')
    need(file_key is not None and len(file_key) == 16, 'an age file for somebody else')
    header = b'\n'.join(lines[:at]) + b'\n---'
    sum_key = hkdf(file_key, b'', b'header')
    need(hmac.compare_digest(mac(sum_key, header), from_base64(lines[at][4:])), 'a changed header')
    payload = file[len(header) + 1 + len(lines[at][4:]) + 1:]
    # An escrow is far below one chunk of 64 KiB, so the first chunk is the last.
    need(16 + 16 <= len(payload) <= 16 + 64 * KIB + 16, 'an escrow of odd length')
    key = hkdf(file_key, payload[:16], b'payload')
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(11) + b'\x01', payload[16:], None)
    except InvalidTag:
        raise Bad('a changed age file') from None


def open_escrow(phrase, endpoint, escrow):
    """The endpoint's roots, oldest first."""
    need(len(escrow) > 0, 'this endpoint has no escrow: its owner keeps its words')
    content = open_age(kdf(phrase, 'recovery'), escrow)
    need(content[:16] == endpoint, 'an escrow of another endpoint')
    return split_roots(content[16:])


def split_roots(data):
    need(len(data) >= 32 and len(data) % 32 == 0, 'keys of odd length')
    return [data[at:at + 32] for at in range(0, len(data), 32)]


# --- FORMAT.md: Signed records --------------------------------------------------------------------

class Record:
    """One signed record, whose signature holds and whose body has the fields of its kind."""

    def __init__(self, data):
        need(len(data) <= 8 * KIB, 'a record over 8 KiB')
        self.kind, body, self.issuer, signature = read_list(decode(data), str, bytes, 32, 64)
        need(self.kind in BODIES, 'a record of unknown kind')
        message = b'drystone/1/' + self.kind.encode() + b'\0' + body
        self.id = sha256(message + self.issuer)
        self.message_id = sha256(message)
        self.body = read_map(decode(body), *BODIES[self.kind])
        need(is_signed(self.issuer, message, signature), 'a false signature')
        if self.kind not in NOT_OF_ROSTER:
            self.check_meaning()

    def check_meaning(self):
        """What the body of a roster record must also be."""
        body = self.body
        need((body['seq'] == 0) == (body['prev'] == b''), 'a chain that begins in the middle')
        for name in {'name', 'site'} & body.keys():
            need(is_name(body[name]) or name == 'site' and body[name] == '', 'an impossible name')
        if 'roles' in body:
            need(body['roles'] in ([], ['endpoint'], ['storage'], ['endpoint', 'storage']), 'roles')
        if 'claimKey' in body:
            need('endpoint' in body, 'a claim key without an endpoint')
        if self.kind == 'genesis':
            need(body['seq'] == 0 and body['lamport'] == 0, 'a genesis that is not the first')
            need(self.issuer == body['authority'], 'a genesis by another than it names')
            need(body['policy'].keys() == POLICY.keys(), 'a policy of other fields')
            need(all(is_policy(*each) for each in body['policy'].items()), 'an impossible policy')
        if self.kind in ('genesis', 'recovery'):
            recipient = body['recovery' if self.kind == 'genesis' else 'recipient']
            need(re.fullmatch('age1[02-9ac-hj-np-z]{58}', recipient), 'no age recipient')
        if self.kind == 'publisher':
            need(1 <= body['threshold'] <= 16, 'an impossible threshold')
        if self.kind == 'policy':
            need(is_policy(body['field'], body['value']), 'an impossible policy')
        if self.kind == 'keep':
            need(body['rules'].keys() == KEEP.keys(), 'rules of other names')
            need(all(is_keep(*each) for each in body['rules'].items()), 'impossible rules')
        if self.kind == 'invite':
            need(1 <= body['uses'] <= 10_000, 'an impossible number of uses')
        if self.kind == 'claim':
            need(body['can'] in ('read', 'write'), 'a claim for neither reading nor writing')
            need(body['can'] == 'read' or body['endpoint'] != b'', 'a claim to write everything')
            need(body['can'] == 'write' or 'claimKey' not in body, 'a reader with a claim key')
        if self.kind == 'sponsor':
            self.wrapped = Record(body['join'])
            need(self.wrapped.kind == 'join', 'a sponsor of something else than a join')
            need(self.wrapped.mesh == body['mesh'], 'a join of another mesh')

    def __getattr__(self, name):
        try:
            return self.__dict__['body'][name]
        except KeyError:
            raise AttributeError(name) from None

    def has(self, name):
        return name in self.body

    @property
    def rank(self):
        return self.lamport, self.id


def is_name(name):
    """A `name` of FORMAT.md. Characters that this Python is too old to know are let pass."""
    odd = [c for c in name if unicodedata.category(c) in ('Cc', 'Cf', 'Cs', 'Co', 'Zl', 'Zp')]
    return 1 <= len(name.encode('utf-16-le')) // 2 <= 64 and not odd and name == name.strip()


POLICY = {'copies': (1, 32), 'sites': (1, 32), 'undoDays': (7, 3650)}


def is_policy(field, value):
    return field in POLICY and type(value) is int and POLICY[field][0] <= value <= POLICY[field][1]


KEEP = {**dict.fromkeys(('last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'), 10_000),
        'withinHours': 87_600}


def is_keep(rule, value):
    return type(value) is int and 0 <= value <= KEEP[rule]


COMMON = {'seq': int, 'prev': (0, 32), 'lamport': int, 'time': int}
CHAINED = {**COMMON, 'mesh': 32}
#: By kind: the fields that a body must have, and those that it may have.
BODIES = {
    'genesis': ({**COMMON, 'name': str, 'authority': 32, 'recovery': str, 'random': 32,
                 'policy': dict}, {}),
    'admin': ({**CHAINED, 'peer': 32}, {}),
    'publisher': ({**CHAINED, 'peer': 32, 'threshold': int}, {}),
    'recovery': ({**CHAINED, 'recipient': str}, {}),
    'void': ({**CHAINED, 'peer': 32, 'upTo': (0, 32)}, {}),
    'policy': ({**CHAINED, 'field': str, 'value': int}, {}),
    'keep': ({**CHAINED, 'endpoint': (0, 16), 'rules': dict}, {}),
    'member': ({**CHAINED, 'peer': 32, 'name': str, 'roles': list, 'site': str},
               {'quota': int, 'endpoint': 16, 'claimKey': 32}),
    'invite': ({**CHAINED, 'id': 16, 'key': 32, 'mac': 32, 'roles': list, 'site': str, 'uses': int,
                'expires': int}, {'replaces': 16}),
    'cancel': ({**CHAINED, 'id': 16}, {}),
    'join': ({**CHAINED, 'invite': 16, 'peer': 32, 'name': str}, {'endpoint': 16, 'claimKey': 32}),
    'sponsor': ({**CHAINED, 'join': bytes, 'at': int}, {}),
    'claim': ({**CHAINED, 'endpoint': (0, 16), 'peer': 32, 'can': str}, {'claimKey': 32}),
    'revoke': ({**CHAINED, 'peer': 32, 'upTo': (0, 32), 'stolen': bool}, {}),
    'mark': ({'mesh': 32, 'endpoint': 16, 'seq': int, 'head': 32, 'time': int}, {}),
    'base': ({'mesh': 32, 'name': str, 'serial': int, 'label': str, 'root': 36, 'digest': 32,
              'rules': list, 'time': int}, {'parent': 32}),
}
NOT_OF_ROSTER = {'mark', 'base'}


def read_records(home, folder, kinds, mesh):
    """The records in a folder that hold: of these kinds, of this mesh, named by their ids."""
    records = []
    for name in sorted({*home.list(folder), *home.list('spare', folder)}):
        if re.fullmatch('[0-9a-f]{64}', name):
            # Only those of the roster are kept twice, and each proves itself by its name.
            record = (read_record(home.read(folder, name, most=8 * KIB), name)
                      or read_record(home.read('spare', folder, name, most=8 * KIB + 32), name, 32))
            if record and record.kind in kinds and record.body.get('mesh', mesh) == mesh:
                records.append(record)
    return records


def read_record(data, name, start=0):
    """The record in a file that is named by its id; None if it is none."""
    try:
        record = Record(data[start:]) if data is not None else None
    except Bad:
        return None
    return record if record is not None and record.id.hex() == name else None


# --- FORMAT.md: Roster, The fold ------------------------------------------------------------------

#: `writers`: all that ever were, in the order in which they (last) got it.
Endpoint = collections.namedtuple('Endpoint', 'id name writers')

#: One fact about an endpoint. `brings`: it holds only for an endpoint that no earlier fact made.
Fact = collections.namedtuple('Fact', 'record peer name claim_key brings')

#: What replaying its facts makes of an endpoint. `first` made it; computers with `exposed` keys
#: were stolen.
Standing = collections.namedtuple('Standing', 'first writers exposed takeovers')

Join = collections.namedtuple('Join', 'sponsor invite peer body')


class Roster:
    """What a set of records adds up to, as far as a restore needs it."""

    def __init__(self, records, mesh):
        own = sorted({r.id: r for r in records if r.kind not in NOT_OF_ROSTER}.values(),
                     key=lambda r: r.rank)
        genesis = next((r for r in own if r.kind == 'genesis' and r.id == mesh), None)
        if genesis is None:
            raise Lost('the genesis record of the mesh is missing or damaged')
        own = [r for r in own if r is genesis or r.kind != 'genesis' and r.mesh == mesh]
        self.mesh, self.name, self.authority = mesh, genesis.name, genesis.authority
        chained = self.keep_chained(without_leaps(own), genesis)
        self.count(chained)
        self.let_in()
        self.endpoints = {e.id: e for e in self.named(self.standings)}
        self.set_publishers()

    # Steps 1 to 5: which records count.

    def is_unchained(self, record):
        return record.kind == 'claim' and record.issuer != self.authority

    def keep_chained(self, records, genesis):
        kept = {}
        for record in sorted(records, key=lambda r: r.seq):
            if record.kind == 'join':  # counts only inside its sponsor
                continue
            before = kept.get(record.prev)
            if record.seq == 0:
                holds = record is genesis or record.issuer != self.authority
            else:
                holds = (not self.is_unchained(record) and before is not None
                         and before.issuer == record.issuer and before.seq == record.seq - 1
                         and not self.is_unchained(before))
            if holds:
                kept[record.id] = record
        return [record for record in records if record.id in kept]

    def count(self, chained):
        by_id = {record.id: record for record in chained}

        def is_within(record, up_to):
            """True if `record` is the one named `up_to`, or before it in its chain."""
            at = by_id.get(up_to)
            while at is not None and at.issuer == record.issuer and at.seq >= record.seq:
                if at is record:
                    return True
                at = by_id.get(at.prev)
            return False

        def of_authority(kind):
            return [r for r in chained if r.kind == kind and r.issuer == self.authority]

        self.admins = {r.peer for r in of_authority('admin')}
        voids = {r.peer: r.upTo for r in of_authority('void')}
        standing = [r for r in chained if r.issuer == self.authority or r.issuer not in voids
                    or is_within(r, voids[r.issuer])]
        self.revoked = collections.defaultdict(list)
        for record in standing:
            if record.kind == 'revoke' and self.may_admit(record):
                self.revoked[record.peer].append(record)
        self.shut_out = voids.keys() | self.revoked.keys()
        self.stolen = {peer for peer, all_ in self.revoked.items() if any(r.stolen for r in all_)}
        self.counted = [
            r for r in standing if r.issuer == self.authority or r.kind == 'revoke'
            or all(is_within(r, cut.upTo) for cut in self.revoked.get(r.issuer, []))]

    def may_admit(self, record):
        return record.issuer == self.authority or record.issuer in self.admins

    # Step 6: members, as far as joins and endpoints hang on them.

    def let_in(self):
        self.members = [r for r in self.counted if r.kind == 'member' and self.may_admit(r)]
        named = {r.peer for r in self.members}
        candidates = self.candidates()
        first = {}  # the joins of those who have a `member` record: they have their places first
        while True:
            joins, eligible = self.rounds(candidates, first.values(), named)
            more = {place_of(join): join for join in eligible if join.peer in named}
            if more.keys() <= first.keys():
                return
            first |= more

    def candidates(self):
        by_admins = [r for r in self.counted if r.issuer in self.admins]
        cancelled = {r.body['id'] for r in by_admins if r.kind == 'cancel'}
        invites = {r.body['id']: r for r in by_admins if r.kind == 'invite'}
        joins = []
        for sponsor in self.counted:
            if sponsor.kind != 'sponsor':
                continue
            join = sponsor.wrapped
            invite = invites.get(join.invite)
            if (invite is not None and join.invite not in cancelled and join.issuer == invite.key
                    and sponsor.at <= invite.expires):
                joins.append(Join(sponsor, invite, join.peer, join.body))
        return sorted(joins, key=lambda j: (j.sponsor.at, j.sponsor.id))

    def rounds(self, candidates, first, named):
        places = collections.defaultdict(set)
        for join in first:
            places[join.invite.body['id']].add(join.peer)
        joins = {}
        while True:
            self.standings, takeovers = self.replay_all(joins.values())
            members = named | {j.peer for j in joins.values()} | {claim.peer for claim in takeovers}
            eligible = [join for join in candidates if join.sponsor.issuer in members]
            before = len(joins)
            for join in eligible:
                taken = places[join.invite.body['id']]
                if place_of(join) not in joins and (
                        join.peer in taken or len(taken) < join.invite.uses):
                    taken.add(join.peer)
                    joins[place_of(join)] = join
            if len(joins) == before:
                return joins, eligible

    # Step 7: endpoints.

    def replay_all(self, joins):
        facts = collections.defaultdict(list)
        for join in joins:
            if 'endpoint' not in join.body or 'endpoint' not in join.invite.roles:
                continue
            replaces = join.invite.body.get('replaces')
            if replaces is None or replaces == join.body['endpoint']:
                facts[join.body['endpoint']].append(Fact(
                    join.sponsor, join.peer, join.body['name'], join.body.get('claimKey'),
                    replaces is None))
        for r in self.members:
            if r.has('endpoint'):
                facts[r.endpoint].append(Fact(r, r.peer, r.name, r.body.get('claimKey'), False))
        for r in self.counted:
            if r.kind == 'claim' and r.endpoint != b'':
                facts[r.endpoint].append(Fact(r, r.peer, None, r.body.get('claimKey'), False))
        standings, takeovers = {}, []
        for endpoint, own in facts.items():
            own.sort(key=lambda fact: fact.record.rank)
            # Twice: which keys were on stolen computers shows only once the story is known.
            standing = self.replay(own, self.replay(own, set()).exposed)
            if standing.writers:
                standings[endpoint] = standing
                takeovers += standing.takeovers
        return standings, takeovers

    def replay(self, facts, exposed):
        """`exposed`: keys that are void from the start."""
        writers, key, found, takeovers, first = {}, None, set(), [], None
        for fact in facts:
            if fact.brings and writers:
                continue
            is_claim = fact.record.kind == 'claim'
            if is_claim and fact.record.issuer != self.authority:
                if key is None or key != fact.record.issuer:
                    continue
                if fact.peer in self.stolen:
                    found.add(key)
            if is_claim and fact.record.can == 'read':
                continue
            first = first or fact
            writers.pop(fact.peer, None)
            writers[fact.peer] = fact
            if fact.claim_key is not None:
                key = None if fact.claim_key in exposed else fact.claim_key
            held = fact.claim_key if fact.claim_key is not None else key
            if held is not None and fact.peer in self.stolen:
                found.add(held)
            if is_claim:
                takeovers.append(fact.record)
        return Standing(first, list(writers), found, takeovers)

    def named(self, standings):
        in_order = sorted(standings.items(), key=lambda item: (item[1].first.record.rank, item[0]))
        plain = {standing.first.name for _, standing in in_order}
        taken = set()
        for id_, standing in in_order:
            name = base = standing.first.name or f'endpoint-{id_.hex()[:8]}'
            number = 2
            while name in taken or name != base and name in plain:
                name, number = f'{base}-{number}', number + 1
            taken.add(name)
            yield Endpoint(id_, name, standing.writers)

    def set_publishers(self):
        records = [r for r in self.counted if r.kind == 'publisher' and r.issuer == self.authority]
        self.publishers = {r.peer for r in records} - self.shut_out
        self.threshold = records[-1].threshold if records else 1


def without_leaps(records):
    kept, highest = [], 0
    for record in records:
        if record.lamport <= highest + 65_536:
            kept.append(record)
            highest = record.lamport
    return kept


def place_of(join):
    return join.invite.body['id'], join.peer


def read_roster(home):
    mesh = find_mesh(home)
    return Roster(read_records(home, 'roster', BODIES.keys() - NOT_OF_ROSTER, mesh), mesh)


def find_mesh(home):
    try:
        data = home.read_spared('settings.json', most=MIB) or b''
    except Lost as problem:
        warn(problem)
        data = b''
    match = re.search(rb'"mesh":\s*"([0-9a-f]{64})"', data)
    if match is not None:
        return bytes.fromhex(match[1].decode())
    genesis = read_records(home, 'roster', {'genesis'}, None)
    if len(genesis) != 1:
        raise Lost('neither settings.json nor one genesis record is whole: no complete home')
    return genesis[0].id


# --- FORMAT.md: Bases -----------------------------------------------------------------------------

#: `approved`: enough publishers signed it, and it has no rival.
Base = collections.namedtuple('Base', 'record signers approved')


def read_bases(home, roster):
    signers = collections.defaultdict(set)
    records = {}
    for record in read_records(home, 'bases', {'base'}, roster.mesh):
        if is_name(record.name) and is_name(record.label) and record.serial >= 1:
            records.setdefault(record.message_id, record)
            signers[record.message_id].add(record.issuer)
    signed = {id_ for id_ in records if len(signers[id_] & roster.publishers) >= roster.threshold}
    places = collections.Counter((records[id_].name, records[id_].serial) for id_ in signed)
    bases = [Base(record, signers[id_],
                  id_ in signed and places[record.name, record.serial] == 1)
             for id_, record in records.items()]
    return sorted(bases, key=lambda base: (base.record.name, base.record.serial))


def choose_base(bases, wanted):
    """The newest base of a name, or the one of this label."""
    found = [base for base in bases
             if wanted in (base.record.name, f'{base.record.name}@{base.record.label}')]
    if not found:
        raise Lost(f'no base is called {wanted}')
    approved = [base for base in found if base.approved]
    need(approved, f'{wanted} is not signed by enough publishers, or there are two')
    return approved[-1].record


# --- FORMAT.md: Heads, Marks ----------------------------------------------------------------------

Point = collections.namedtuple('Point', 'number time digest root flags')


class Head:
    """A head that its writer's mark vouches for."""

    def __init__(self, data, mesh):
        mark, body = read_list(decode(data), bytes, bytes)
        self.mark = Record(mark)
        need(self.mark.kind == 'mark', 'no mark')
        need(self.mark.head == sha256(body), 'a head that is not the one of its mark')
        need(len(body) <= MIB, 'a head over 1 MiB')
        head = read_map(decode(body), {
            'mesh': 32, 'endpoint': 16, 'writer': 32, 'seq': int, 'prev': (0, 32), 'time': int,
            'bases': list, 'roots': list, 'escrow': bytes, 'salt': 32, 'sealed': bytes})
        need(head['mesh'] == self.mark.mesh == mesh, 'a head of another mesh')
        need((head['endpoint'], head['seq']) == (self.mark.endpoint, self.mark.seq)
             and head['writer'] == self.mark.issuer, 'a head of another place than its mark')
        need(all(fits(root, 36) for root in head['roots']) and is_rising(head['roots']), 'roots')
        need(all(fits(base, 32) for base in head['bases']) and is_rising(head['bases']), 'bases')
        need(len(head['escrow']) <= KIB, 'an escrow over 1 KiB')
        self.body = head
        self.endpoint, self.writer, self.seq = head['endpoint'], head['writer'], head['seq']
        self.time, self.escrow = head['time'], head['escrow']

    def points(self, root):
        """The restore points, with the endpoint's root of the first epoch."""
        head, sealed = self.body, self.body['sealed']
        place = head['mesh'] + head['endpoint'] + head['writer'] + struct.pack('>Q', head['seq'])
        need(len(sealed) in LADDER, 'a sealed list of a length that is no step')
        try:
            key = kdf(kdf(root, 'head'), 'head', head['salt'])
            payload = AESGCM(key).decrypt(bytes(12), sealed, place)
        except InvalidTag:
            raise Bad('a head does not open with these keys') from None
        method, length = struct.unpack_from('>BI', payload)
        need(method == 0 and 5 + length <= len(payload), 'a head is not packed by the rules')
        need(not any(payload[5 + length:]), 'a head is not padded by the rules')
        points = [Point(*read_list(item, int, int, 32, 36, int))
                  for item in decode(payload[5:5 + length])]
        need(is_rising([point.number for point in points]), 'points out of order')
        need(sorted({point.root for point in points}) == head['roots'], 'other roots than points')
        return points


def is_rising(items):
    return all(a < b for a, b in zip(items, items[1:]))


HEAD_FILE_MAX = MIB + 16 * KIB


def read_head(data, place, mesh, start=0):
    """The head in a file of this place; None if it is none."""
    try:
        head = Head(data[start:], mesh) if data is not None else None
    except Bad:
        return None
    if head is None or (head.endpoint, head.writer, head.seq) != place:
        return None
    return head


def read_heads(home, roster, endpoint):
    """The heads of an endpoint, the one where it stands first; then those before, newest first."""
    heads = []
    for n, writer in enumerate(endpoint.writers):
        folder = ('heads', endpoint.id.hex(), writer.hex())
        for name in sorted({*home.list(*folder), *home.list('spare', *folder)}):
            if not re.fullmatch(r'\d{1,16}', name):
                continue
            place = endpoint.id, writer, int(name)
            # The last of a line is kept twice, and each proves itself.
            head = (read_head(home.read(*folder, name, most=HEAD_FILE_MAX), place, roster.mesh)
                    or read_head(home.read('spare', *folder, name, most=HEAD_FILE_MAX + 32),
                                 place, roster.mesh, 32))
            if head is None:
                warn(f'head {name} of {show(endpoint.name)} is damaged')
            else:
                heads.append((n, head.seq, head))
    heads.sort(key=lambda item: item[:2], reverse=True)
    if heads:
        n, seq, head = heads[0]
        newer = [m.seq for m in read_records(home, 'marks', {'mark'}, roster.mesh)
                 if m.endpoint == endpoint.id and m.issuer in endpoint.writers
                 and (endpoint.writers.index(m.issuer), m.seq) > (n, seq)]
        if newer:
            warn(f'{show(endpoint.name)} has a newer head, number {max(newer)}, which is not here')
    return [head for _, _, head in heads]


# --- FORMAT.md: CIDs and blocks, Segments ---------------------------------------------------------

RAW, DAG_CBOR = 0x55, 0x71
Cid = collections.namedtuple('Cid', 'codec hash')

#: Where a record begins, and what it says of its block.
Place = collections.namedtuple('Place', 'segment offset method stored plain')


def read_cid(data, codec=None):
    need(len(data) == 36 and data[0] == 1 and data[1] in (RAW, DAG_CBOR) and data[2:4] == b'\x12 ',
         'an address of another form')
    need(codec is None or data[1] == codec, 'an address of another kind')
    return Cid(data[1], data[4:])


HEADER, ENTRY, TRAILER = 53, 45, 44


def read_header(data, segment, offset):
    """(hash, place) of the record whose header is `data`; None if that is no whole header."""
    if len(data) < HEADER or data[:4] != b'DSR1':
        return None
    method, hash_, stored, plain, _, crc = struct.unpack('>B32sIIII', data[4:HEADER])
    if crc != zlib.crc32(data[:49]) or not are_lengths(method, stored, plain):
        return None
    return hash_, Place(segment, offset, method, stored, plain)


def are_lengths(method, stored, plain):
    return plain <= BLOCK_MAX and (
        stored == plain if method == 0 else method == 1 and stored < plain)


def next_header(file, segment, at):
    """The first whole header from `at` on."""
    while True:
        file.seek(at)
        window = read_up_to(file, MIB)
        near = window.find(b'DSR1')
        while near >= 0:
            found = read_header(window[near:near + HEADER], segment, at + near)
            if found is not None:
                return found
            near = window.find(b'DSR1', near + 1)
        if len(window) < MIB:
            return None
        at += MIB - HEADER + 1


class Blocks:
    """The blocks of some scopes of homes. Every place where a block could be is tried."""

    def __init__(self, homes, scopes):
        self.places = collections.defaultdict(list)
        self.segments = []
        for home in homes:
            for scope in scopes:
                for name in home.list('blocks', scope):
                    if re.fullmatch(r'\d{8}\.seg', name):
                        self.add(home, ('blocks', scope, name))

    def add(self, home, names):
        number = len(self.segments)
        self.segments.append((home, names))
        try:
            with home.open(*names) as file:
                found = dict(self.footer(file, number)) | dict(self.headers(file, number))
        except (OSError, Bad) as problem:
            warn(f'{"/".join(names)} cannot be read: {problem}')
            return
        for place, hash_ in found.items():
            self.places[hash_].append(place)

    def footer(self, file, segment):
        """Places by the footer. What it says is worth nothing until a hash holds."""
        size = file.seek(0, os.SEEK_END)
        if size < TRAILER:
            return
        file.seek(size - TRAILER)
        trailer = read_up_to(file, TRAILER)
        count, end, magic, total = struct.unpack('>II4s32s', trailer)
        length = count * ENTRY + TRAILER
        if magic != b'DSF1' or count > 65_536 or end != size - length:
            return
        file.seek(end)
        footer = read_up_to(file, length)
        if sha256(footer[:-32]) != total:
            return
        for at in range(0, length - TRAILER, ENTRY):
            hash_, method, offset, stored, plain = struct.unpack_from('>32sBIII', footer, at)
            if are_lengths(method, stored, plain):
                yield Place(segment, offset, method, stored, plain), hash_

    def headers(self, file, segment):
        """Places by the headers. Where one is damaged, the next whole one is looked for."""
        size, at = file.seek(0, os.SEEK_END), 0
        while at + HEADER <= size:
            file.seek(at)
            found = (read_header(read_up_to(file, HEADER), segment, at)
                     or next_header(file, segment, at + 1))
            if found is None:
                return
            hash_, place = found
            yield place, hash_
            at = place.offset + HEADER + place.stored

    def get(self, hash_):
        """The bytes that have this hash."""
        for place in reversed(self.places.get(hash_, [])):
            data = self.read(place)
            if data is not None and sha256(data) == hash_:
                return data
        raise Lost(f'block {hash_.hex()} is not here' if hash_ not in self.places
                   else f'block {hash_.hex()} is damaged')

    def read(self, place):
        try:
            home, names = self.segments[place.segment]
            with home.open(*names) as file:
                file.seek(place.offset + HEADER)
                body = read_up_to(file, place.stored)
            if len(body) < place.stored:
                return None
            return body if place.method == 0 else unpack(body, place.plain)
        except (OSError, Bad):
            return None


# --- FORMAT.md: Sealed blocks ---------------------------------------------------------------------

LADDER = {(8 + i) << k for k in range(6, 17) for i in range(8)} | {BLOCK_MAX}
CHUNK, PAGE, LIST, TOP = 1, 2, 3, 4


class Seals:
    """The keys of an endpoint's epochs, by the number of the epoch."""

    def __init__(self, roots):
        self.keys = []
        for root in roots:
            seal = kdf(root, 'seal')
            self.keys.append((kdf(seal, 'siv'), kdf(seal, 'key')))

    def open(self, type_, block):
        """The body of a sealed block, and the hashes that it links to."""
        version, epoch, links, siv, box = read_list(decode(block), int, int, bytes, 32, bytes)
        need(version == 1 and len(links) % 32 == 0, 'no sealed block')
        hashes = [links[at:at + 32] for at in range(0, len(links), 32)]
        need(is_rising(hashes), 'links that are not sorted')
        need(len(block) in LADDER, 'a sealed block of a length that is no step')
        need(epoch < len(self.keys), f'no keys for epoch {epoch}')
        k1, k2 = self.keys[epoch]
        try:
            payload = AESGCM(mac(k2, siv)).decrypt(bytes(12), box, None)
        except InvalidTag:
            raise Bad('a block does not open with these keys') from None
        said = mac(k1, struct.pack('>BI', type_, len(hashes)), links, payload)
        need(hmac.compare_digest(said, siv), 'a block was sealed as something else')
        method, length = struct.unpack_from('>BI', payload)
        end = 5 + length
        need(end <= len(payload) and not any(payload[end:]), 'a block is not padded by the rules')
        need(method in (0, 1), 'a block is packed in an unknown way')
        return payload[5:end] if method == 0 else unpack(payload[5:end]), hashes


# --- FORMAT.md: States ----------------------------------------------------------------------------

FILE, DIRECTORY, SYMLINK, FIFO, SOCKET, BLOCK_DEVICE, CHARACTER_DEVICE = range(7)
TYPES = ('file', 'directory', 'symlink', 'fifo', 'socket', 'block device', 'character device')
COUNT_LIST = 0xffff

#: `mtime`: nanoseconds. `chunks`: of a file, or None where `address` is its list; of a directory
#: `address` is its page or node. `xattrs`: pairs of bytes.
Entry = collections.namedtuple('Entry', (
    'name type mode uid gid mtime size hash target device xattrs link_to chunks address'))
Chunk = collections.namedtuple('Chunk', 'cid length hash')


def canonical(entry):
    """The canonical bytes of an entry."""
    def part(data):
        return struct.pack('>I', len(data)) + data
    seconds, nanoseconds = divmod(entry.mtime, 10**9)
    device = struct.pack('>II', *entry.device) if entry.device else b''
    return b''.join((
        struct.pack('>BHIIqIQI', entry.type, entry.mode, entry.uid, entry.gid, seconds, nanoseconds,
                    entry.size, len(entry.xattrs)),
        part(entry.name), part(entry.hash), part(entry.target), part(device), part(entry.link_to),
        *(part(data) for pair in entry.xattrs for data in pair)))


def digest_of(entries):
    total = hashlib.sha256(b'drystone/1/dir\0')
    for entry in entries:
        total.update(canonical(entry))
    return total.digest()


class Column:
    """One column of a page, read from the front to its very end."""

    def __init__(self, data, shape):
        self.data, self.shape, self.at = data, struct.Struct(shape), 0

    def next(self):
        need(self.at + self.shape.size <= len(self.data), 'a column ends too early')
        values = self.shape.unpack_from(self.data, self.at)
        self.at += self.shape.size
        return values if len(values) > 1 else values[0]

    def take(self, length):
        need(self.at + length <= len(self.data), 'a column ends too early')
        self.at += length
        return self.data[self.at - length:self.at]

    def end(self):
        need(self.at == len(self.data), 'a column goes on behind its last entry')


COLUMNS = ('>H', '>B', '>H', '>II', '>qI', '>Q', '32s', '>H', '36s', '>36sI32s')


def read_page(body):
    """The entries of a page body."""
    word, count, *columns, extras = read_list(
        decode(body), str, int, *[bytes] * len(COLUMNS), list)
    need(word == 'page' and count <= 1024, 'no page')
    columns = [Column(data, shape) for data, shape in zip(columns, COLUMNS)]
    names, types, modes, owners, times, sizes, hashes, counts, addresses, chunks = columns
    more = read_extras(extras, count)
    entries = []
    for i in range(count):
        name, type_, mode, size = names.take(names.next()), types.next(), modes.next(), sizes.next()
        uid, gid = owners.next()
        seconds, nanoseconds = times.next()
        target, device, xattrs, link_to = more.get(i, (b'', (), (), b''))
        need(is_entry_name(name) or name == b'' and count == 1, 'an impossible name')
        need(type_ < len(TYPES) and mode <= 0o7777 and nanoseconds < 10**9, 'an impossible entry')
        need(size <= WHOLE_MAX and (size == 0 or type_ == FILE), 'an impossible size')
        need((target != b'') == (type_ == SYMLINK), 'a target of no link, or a link without one')
        need((device != ()) == (type_ in (BLOCK_DEVICE, CHARACTER_DEVICE)), 'an odd device')
        need(link_to == b'' or type_ == FILE, 'a hard link that is no file')
        hash_ = hashes.next() if type_ in (FILE, DIRECTORY) else b''
        own, address = (), None
        if type_ == DIRECTORY:
            address = read_cid(addresses.next(), DAG_CBOR)
        if type_ == FILE:
            own, address = read_content(size, hash_, counts.next(), addresses, chunks)
        mtime = seconds * 10**9 + nanoseconds
        entries.append(Entry(name, type_, mode, uid, gid, mtime, size, hash_, target, device,
                             xattrs, link_to, own, address))
    for column in columns:
        column.end()
    need(is_rising([entry.name for entry in entries]), 'names out of order')
    return entries


def read_content(size, hash_, count, addresses, chunks):
    """(chunks, None), or (None, address of the list)."""
    if count == COUNT_LIST:
        need(size > 0, 'a list of nothing')
        return None, read_cid(addresses.next(), DAG_CBOR)
    if count == 1:
        need(1 <= size <= BLOCK_MAX, 'a chunk of impossible length')
        return (Chunk(read_cid(addresses.next()), size, hash_),), None
    need(count <= 64, 'too many chunks for a page')
    own = tuple(read_chunk(chunks.next()) for _ in range(count))
    need(sum(chunk.length for chunk in own) == size, 'chunks that do not add up')
    return own, None


def read_chunk(item):
    cid, length, hash_ = item
    need(1 <= length <= BLOCK_MAX, 'a chunk of impossible length')
    return Chunk(read_cid(cid), length, hash_)


def read_extras(extras, count):
    """By index: (target, device, xattrs, link_to), empty where there is none."""
    more = {}
    for extra in extras:
        index, target, device, xattrs, link_to = read_list(extra, *[object_] * 5)
        need(type(index) is int and max(more, default=-1) < index < count, 'extras out of order')
        need((target, device, xattrs, link_to) != (None,) * 4, 'an extra that says nothing')
        need(all(each is None or is_part(each, 1) for each in (target, link_to)), 'an odd extra')
        if device is not None:
            device = tuple(read_list(device, int, int))
            need(max(device) < 1 << 32, 'an impossible device')
        if xattrs is not None:
            need(isinstance(xattrs, list) and xattrs, 'attributes that are none')
            xattrs = tuple(tuple(read_list(pair, bytes, bytes)) for pair in xattrs)
            need(all(is_part(name, 1) and is_part(value, 0) for name, value in xattrs), 'attribute')
            need(is_rising([name for name, _ in xattrs]), 'attributes out of order')
        more[index] = (target or b'', device or (), xattrs or (), link_to or b'')
    return more


object_ = (type(None), int, bytes, list)


def is_part(data, least):
    return isinstance(data, bytes) and least <= len(data) <= 256 * KIB


def is_entry_name(name):
    return (1 <= len(name) <= 4096 and name not in (b'.', b'..')
            and b'/' not in name and b'\0' not in name)


def read_node(body):
    """[(last, cid)] of a node body."""
    word, items = read_list(decode(body), str, list)
    need(word == 'node' and 2 <= len(items) <= 1024, 'no node')
    items = [read_list(item, bytes, 36) for item in items]
    need(all(is_entry_name(last) for last, _ in items), 'an impossible name')
    need(is_rising([last for last, _ in items]), 'names out of order')
    return [(last, read_cid(cid, DAG_CBOR)) for last, cid in items]


def read_file_list(body):
    """(level, items) of a list body: chunks at level 0, else (cid, length)."""
    word, level, packed = read_list(decode(body), str, int, bytes)
    need(word == 'list' and level <= 3, 'no list')
    shape = struct.Struct('>36sI32s' if level == 0 else '>36sQ')
    need(packed and len(packed) % shape.size == 0 and len(packed) // shape.size <= 4096, 'no list')
    items = list(shape.iter_unpack(packed))
    if level == 0:
        return level, [read_chunk(item) for item in items]
    need(all(1 <= length <= WHOLE_MAX for _, length in items), 'a list of impossible length')
    return level, [(read_cid(cid, DAG_CBOR), length) for cid, length in items]


class State:
    """A whole tree at one moment, read from blocks."""

    def __init__(self, blocks, seals, root, digest):
        self.blocks, self.seals = blocks, seals
        entries = read_page(self.body(TOP, read_cid(root, DAG_CBOR)))
        need(len(entries) == 1 and entries[0].name == b'' and entries[0].type == DIRECTORY,
             'a state without exactly one root')
        self.root = entries[0]
        need(digest_of(entries) == digest, 'the state has another digest than was signed')

    def body(self, type_, cid):
        """What is in a block, opened as the type that its parent says."""
        block = self.blocks.get(cid.hash)
        if cid.codec == RAW:
            need(type_ == CHUNK, 'a chunk in the place of something else')
            return block
        if block[:2] != b'\x85\x01':
            need(type_ != CHUNK, 'something else in the place of a chunk')
            return block
        body, links = self.seals.open(type_, block)
        need(links == sorted(set(references(type_, body))), 'a block with other links than it says')
        return body

    def entries(self, directory):
        """The entries of a directory, in the order of their names."""
        last = b''
        for name, page in self.pages(directory.address, None, 0):
            need(page or name is None, 'an empty page in a larger directory')
            need(name is None or page[-1].name == name, 'a page that ends elsewhere than said')
            for entry in page:
                need(entry.name > last, 'names out of order')
                last = entry.name
                yield entry

    def pages(self, cid, last, level):
        """(the name that it should end with, its entries) for each page at and below `cid`."""
        need(level <= 16, 'too many nodes above a page')
        body = self.body(PAGE, cid)
        if body[:1] == b'\x8d':
            yield last, read_page(body)
            return
        items = read_node(body)
        need(last is None or items[-1][0] == last, 'a node that ends elsewhere than said')
        for name, child in items:
            yield from self.pages(child, name, level + 1)

    def chunks(self, entry):
        """The bytes of a file, chunk by chunk, each proved."""
        refs = entry.chunks if entry.chunks is not None else self.listed(entry.address, entry.size)
        for ref in refs:
            data = self.body(CHUNK, ref.cid)
            need(len(data) == ref.length and sha256(data) == ref.hash, 'a chunk of other bytes')
            yield data

    def listed(self, cid, length, level=None):
        found, items = read_file_list(self.body(LIST, cid))
        need(level is None or found == level, 'a list at a wrong level')
        need(sum(item[1] for item in items) == length, 'a list that does not add up')
        for item in items:
            if found == 0:
                yield item
            else:
                yield from self.listed(*item, found - 1)

    def find(self, path):
        """The entry at a path; None if there is none."""
        entry = self.root
        for name in path.split(b'/'):
            if entry is None or entry.type != DIRECTORY:
                return None
            cid = entry.address
            while (body := self.body(PAGE, cid))[:1] != b'\x8d':
                cid = next((child for last, child in read_node(body) if name <= last), None)
                if cid is None:
                    return None
            entry = next((each for each in read_page(body) if each.name == name), None)
        return entry


def references(type_, body):
    """The hashes of all addresses in a body."""
    if type_ == CHUNK:
        return
    if type_ == LIST:
        yield from (item[0].hash for item in read_file_list(body)[1])
    elif body[:1] == b'\x82':
        yield from (cid.hash for _, cid in read_node(body))
    else:
        for entry in read_page(body):
            if entry.address is not None:
                yield entry.address.hash
            yield from (chunk.cid.hash for chunk in entry.chunks or ())


# --- FORMAT.md: Restoring with nothing but this text ----------------------------------------------

#: A directory is opened for every level, and Python's stack is not endless.
DEPTH_MAX = 200
SPECIAL_BITS = stat.S_ISUID | stat.S_ISGID
IS_ROOT = os.geteuid() == 0


class Restored:
    """A state on its way to the disk. Names of the target are only ever reached through open
    directories, one component at a time, and no link is followed; so nothing is written outside."""

    def __init__(self, state, target):
        self.state = state
        self.root = open_target(target)
        self.failed = {}
        self.directories = []
        self.counts = collections.Counter()

    def fail(self, path, problem):
        if path not in self.failed:
            self.failed[path] = str(problem)
            warn(f'{show(path) or "."}: {problem}')

    def run(self):
        """Writes all of it, then reads it back. The digest of what is on the disk."""
        root = self.state.root
        self.write_directory(root, self.root, b'', 0)
        # Metadata of directories last: until here their owner must write in them.
        for path, entry in reversed(self.directories):
            try:
                with Opened(self.root, path) as fd:
                    set_metadata(entry, fd)
            except (OSError, OverflowError) as problem:
                self.fail(path, problem)
        os.sync()
        return digest_of([self.look(root, self.root, b'', self.root)])

    # Writing.

    def write_directory(self, entry, fd, path, depth):
        self.directories.append((path, entry))
        try:
            need(depth < DEPTH_MAX, 'too deep')
            # First a walk that writes nothing: not a name is made before the digest holds.
            need(digest_of(self.state.entries(entry)) == entry.hash, 'a directory that is another')
            for child in self.state.entries(entry):
                below = join_path(path, child.name)
                try:
                    self.write(child, fd, below, depth)
                    self.counts[child.type] += 1
                except (Bad, Lost, OSError, OverflowError) as problem:
                    self.fail(below, problem)
        except (Bad, Lost) as problem:
            self.fail(path, problem)

    def write(self, entry, fd, path, depth):
        if entry.type == FILE and entry.link_to:
            self.write_hard_link(entry, fd)
        elif entry.type == FILE:
            self.write_file(entry, fd)
        elif entry.type == DIRECTORY:
            os.mkdir(entry.name, 0o700, dir_fd=fd)
            with Opened(fd, entry.name) as child:
                self.write_directory(entry, child, path, depth + 1)
        elif entry.type == SYMLINK:
            os.symlink(entry.target, entry.name, dir_fd=fd)
            set_metadata_by_name(entry, fd)
        else:
            need(entry.type != SOCKET, 'a socket, which nobody can restore')
            kinds = {FIFO: stat.S_IFIFO, BLOCK_DEVICE: stat.S_IFBLK, CHARACTER_DEVICE: stat.S_IFCHR}
            device = os.makedev(*entry.device) if entry.device else 0
            os.mknod(entry.name, kinds[entry.type] | 0o600, device, dir_fd=fd)
            set_metadata_by_name(entry, fd)

    def write_file(self, entry, fd):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(entry.name, flags, 0o600, dir_fd=fd), 'wb', buffering=0) as file:
            try:
                total, size = hashlib.sha256(), 0
                for data in self.state.chunks(entry):
                    total.update(data)
                    size += len(data)
                    if any(data):
                        write_all(file, data)
                    else:
                        file.seek(len(data), os.SEEK_CUR)  # a hole
                need(size == entry.size and total.digest() == entry.hash, 'a file of other bytes')
                file.truncate(size)
            except BaseException:
                # Nobody shall take a part for the whole.
                os.unlink(entry.name, dir_fd=fd)
                raise
            set_metadata(entry, file.fileno())

    def write_hard_link(self, entry, fd):
        first = self.state.find(entry.link_to)
        need(first is not None and first.type == FILE and not first.link_to
             and first.hash == entry.hash, 'a hard link to something else')
        folder, _, name = entry.link_to.rpartition(b'/')
        with Opened(self.root, folder) as there:
            try:
                found = os.stat(name, dir_fd=there, follow_symlinks=False)
            except FileNotFoundError:
                raise Lost(f'its content, {show(entry.link_to)}, is not there') from None
            need(stat.S_ISREG(found.st_mode), 'a hard link to something else')
            os.link(name, entry.name, src_dir_fd=there, dst_dir_fd=fd, follow_symlinks=False)

    # Reading back.

    def look(self, entry, fd, path, opened=None):
        """What is there now in the place of an entry, as an entry; what differs is named."""
        found = (os.fstat(opened) if opened is not None
                 else os.stat(entry.name, dir_fd=fd, follow_symlinks=False))
        type_ = type_of(found.st_mode)
        seen = entry._replace(
            type=type_, mode=stat.S_IMODE(found.st_mode), uid=found.st_uid, gid=found.st_gid,
            mtime=found.st_mtime_ns, size=found.st_size if type_ == FILE else 0,
            xattrs=self.xattrs(entry, fd, opened))
        if type_ == FILE:
            seen = seen._replace(hash=hash_file(entry.name, fd), link_to=self.link_of(entry, found))
        elif type_ == DIRECTORY and opened is not None:
            seen = seen._replace(hash=self.look_below(entry, opened, path))
        elif type_ == DIRECTORY:
            with Opened(fd, entry.name) as child:
                seen = seen._replace(hash=self.look_below(entry, child, path))
        elif type_ == SYMLINK:
            seen = seen._replace(target=os.readlink(entry.name, dir_fd=fd))
        elif type_ in (BLOCK_DEVICE, CHARACTER_DEVICE):
            seen = seen._replace(device=(os.major(found.st_rdev), os.minor(found.st_rdev)))
        others = [name for name in Entry._fields if getattr(seen, name) != getattr(entry, name)]
        if not IS_ROOT:
            # A user cannot give a file away, and then must not lend it his rights either.
            others = [name for name in others if name not in ('uid', 'gid')]
            if seen.mode == without_rights(entry):
                others = [name for name in others if name != 'mode']
        if type_ == DIRECTORY and others == ['hash']:
            others = []  # what differs below is named there
        if others:
            self.fail(path, f'{", ".join(others)} could not be given')
        return seen

    def try_looking(self, entry, fd, path):
        try:
            return self.look(entry, fd, path)
        except PermissionError as problem:
            if IS_ROOT:
                self.fail(path, problem)
            return entry  # a user may own what he may not read
        except OSError as problem:
            self.fail(path, problem)
            return entry._replace(hash=b'')

    def look_below(self, entry, fd, path):
        names = {os.fsencode(name) for name in os.listdir(fd)}
        total = hashlib.sha256(b'drystone/1/dir\0')
        try:
            for child in self.state.entries(entry):
                below = join_path(path, child.name)
                if child.name in names:
                    names.remove(child.name)
                    total.update(canonical(self.try_looking(child, fd, below)))
                else:
                    self.fail(below, 'is not there')
        except (Bad, Lost) as problem:
            self.fail(path, problem)
        for name in names:
            self.fail(join_path(path, name), 'is there, and should not be')
        return total.digest()

    def xattrs(self, entry, fd, opened):
        """The attributes that the entry has. Others belong to this system, such as its labels."""
        where = opened if opened is not None else pinned(fd, entry.name)
        seen = []
        for name, _ in entry.xattrs:
            try:
                seen.append((name, os.getxattr(where, name, **no_follow(where))))
            except OSError:
                continue
        return tuple(seen)

    def link_of(self, entry, found):
        if not entry.link_to:
            return b''
        folder, _, name = entry.link_to.rpartition(b'/')
        try:
            with Opened(self.root, folder) as there:
                first = os.stat(name, dir_fd=there, follow_symlinks=False)
        except OSError:
            return b''
        return entry.link_to if os.path.samestat(first, found) else b''


class Opened:
    """A directory below another one; each component is opened by itself, and is no link."""

    def __init__(self, fd, path):
        self.fd = os.dup(fd)
        for name in path.split(b'/') if path else ():
            above = self.fd
            try:
                self.fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
            finally:
                os.close(above)

    def __enter__(self):
        return self.fd

    def __exit__(self, *_):
        os.close(self.fd)


def open_target(target):
    """An empty directory, made if it is not there."""
    try:
        os.mkdir(target, 0o700)
    except FileExistsError:
        pass
    fd = os.open(target, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    if os.listdir(fd):
        raise Bad(f'{target} is not empty')
    return fd


def join_path(path, name):
    return path + b'/' + name if path else name


def write_all(file, data):
    view = memoryview(data)
    while view:
        view = view[file.write(view):]


def pinned(fd, name):
    """A path for the calls that take no open directory."""
    return b'/proc/self/fd/%d/' % fd + name


def no_follow(where):
    return {} if isinstance(where, int) else {'follow_symlinks': False}


def without_rights(entry):
    is_own = (entry.uid, entry.gid) == (os.geteuid(), os.getegid())
    return entry.mode if IS_ROOT or is_own else entry.mode & ~SPECIAL_BITS


def set_metadata(entry, fd):
    """Owner, attributes, mode, time, in this order: each takes away of those behind it."""
    if IS_ROOT:
        os.chown(fd, entry.uid, entry.gid)
    set_xattrs(entry, fd)
    os.chmod(fd, without_rights(entry))
    os.utime(fd, ns=(entry.mtime, entry.mtime))


def set_metadata_by_name(entry, fd):
    """The same for what cannot be opened."""
    if IS_ROOT:
        os.chown(entry.name, entry.uid, entry.gid, dir_fd=fd, follow_symlinks=False)
    set_xattrs(entry, pinned(fd, entry.name))
    if entry.type != SYMLINK:
        os.chmod(entry.name, without_rights(entry), dir_fd=fd)
    os.utime(entry.name, ns=(entry.mtime, entry.mtime), dir_fd=fd, follow_symlinks=False)


def set_xattrs(entry, where):
    for name, value in entry.xattrs:
        try:
            os.setxattr(where, name, value, **no_follow(where))
        except OSError:
            continue  # named when it is read back


def type_of(mode):
    tests = (stat.S_ISREG, stat.S_ISDIR, stat.S_ISLNK, stat.S_ISFIFO, stat.S_ISSOCK, stat.S_ISBLK)
    return next((n for n, is_one in enumerate(tests) if is_one(mode)), CHARACTER_DEVICE)


def hash_file(name, fd):
    total = hashlib.sha256()
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(name, flags, dir_fd=fd), 'rb', buffering=0) as file:
        while part := file.read(MIB):
            total.update(part)
    return total.digest()


# --- The command line -----------------------------------------------------------------------------

def warn(text):
    print(f'rescue: {text}', file=sys.stderr)


def find_endpoint(roster, wanted):
    for endpoint in roster.endpoints.values():
        if wanted in (endpoint.name, endpoint.id.hex()):
            return endpoint
    raise Lost(f'no endpoint is called {wanted}')


def roots_of(home, endpoint, heads, text):
    """The endpoint's roots: from words, or from this home if it is the endpoint's own."""
    if text is None:
        data = home.read_spared('endpoint.key', most=MIB)
        if data is None:
            raise Lost('this is not the endpoint\'s own home: give words with --words')
        key = read_map(decode(data), {'endpoint': 16, 'epochs': list})
        if key['endpoint'] != endpoint.id:
            raise Lost('this home has the keys of another endpoint: give words with --words')
        need(all(fits(root, 32) for root in key['epochs']) and key['epochs'], 'endpoint.key')
        return key['epochs']
    secret = words_to_secret(text)
    for head in heads:
        # The mesh's words open the escrow; the endpoint's own words are its root.
        try:
            return open_escrow(secret, endpoint.id, head.escrow)
        except Bad:
            pass
        try:
            head.points(secret)
            return [secret]
        except Bad:
            continue
    raise Bad(f'these words open nothing of {show(endpoint.name)}')


def read_words(path):
    if path is None:
        return None
    data = (sys.stdin.buffer if path == '-' else open(path, 'rb')).read(64 * KIB)
    return data.decode('utf-8', 'replace')


def list_home(home, roster, text):
    print(f'mesh {show(roster.name)}  {roster.mesh.hex()}')
    if text is not None and public_of(kdf(words_to_secret(text), 'authority')) == roster.authority:
        print('these are its words')
    for base in read_bases(home, roster):
        record = base.record
        state = '' if base.approved else '  (not approved)'
        print(f'base {show(record.name)}@{show(record.label)}  number {record.serial}'
              f'  {day(record.time)}  digest {record.digest.hex()}{state}')
    for endpoint in sorted(roster.endpoints.values(), key=lambda e: e.name):
        heads = read_heads(home, roster, endpoint)
        print(f'endpoint {show(endpoint.name)}  {endpoint.id.hex()}  heads here: {len(heads)}'
              f'  writer {endpoint.writers[-1].hex()}')
        try:
            roots = roots_of(home, endpoint, heads, text) if heads else []
            points = heads[0].points(roots[0]) if heads else []
        except (Bad, Lost):
            continue
        for point in points:
            print(f'  point {point.number}  {day(point.time)}  digest {point.digest.hex()}')


def open_base(homes, roster, wanted):
    record = choose_base(read_bases(homes[0], roster), wanted)
    print(f'base {show(record.name)}@{show(record.label)}, number {record.serial}')
    return State(Blocks(homes, ['base', 'pages']), Seals([]), record.root, record.digest)


def open_point(homes, roster, wanted, number, text):
    home = homes[0]
    endpoint = find_endpoint(roster, wanted)
    heads = read_heads(home, roster, endpoint)
    if not heads:
        raise Lost(f'no head of {show(endpoint.name)} is here')
    roots = roots_of(home, endpoint, heads, text)
    # The first head is where the endpoint stands; older ones may list what it dropped.
    for head in heads:
        points = head.points(roots[0])
        found = points[-1:] if number is None else [p for p in points if p.number == number]
        if found:
            point = found[0]
            print(f'point {point.number} of {show(endpoint.name)}, {day(point.time)}')
            blocks = Blocks(homes, [endpoint.id.hex(), 'base', 'pages'])
            return State(blocks, Seals(roots), point.root, point.digest)
    raise Lost(f'no head here has the point {number}' if number else 'there is no point yet')


def restore(state, target, digest):
    restored = Restored(state, target)
    on_disk = restored.run()
    names = {FILE: 'files', DIRECTORY: 'directories', SYMLINK: 'links'}
    counts = [f'{restored.counts[type_]} {name}' for type_, name in names.items()]
    print(f'{", ".join(counts)}; digest {digest.hex()}')
    if on_disk == digest:
        print('read back: what is on the disk has this digest')
    elif not restored.failed:
        print('read back: all is there, but for owners, which only root may give')
    return 1 if restored.failed else 0


def main():
    parser = argparse.ArgumentParser(
        description='Restores from the home of a Drystone peer, without Drystone.')
    parser.add_argument('home', metavar='HOME')
    parser.add_argument('target', metavar='TARGET', nargs='?')
    parser.add_argument('--list', action='store_true', help='what is in this home')
    parser.add_argument('--base', metavar='NAME[@LABEL]')
    parser.add_argument('--endpoint', metavar='NAME')
    parser.add_argument('--point', metavar='N', type=int)
    parser.add_argument('--words', metavar='FILE', help='a file of words, or - for standard input')
    parser.add_argument('--also', metavar='HOME', action='append', default=[],
                        help='another home of the mesh, for blocks that are not in the first')
    args = parser.parse_intermixed_args()
    if [args.list, args.base is not None, args.endpoint is not None].count(True) != 1:
        parser.error('one of --list, --base and --endpoint is needed')
    if not args.list and args.target is None:
        parser.error('a TARGET is needed')
    try:
        home = Home(args.home)
        roster = read_roster(home)
        text = read_words(args.words)
        if args.list:
            list_home(home, roster, text)
            return 0
        where = os.path.realpath(args.target) + os.sep
        need(not where.startswith(os.path.realpath(args.home) + os.sep), 'TARGET is inside HOME')
        homes = [home, *map(Home, args.also)]
        state = (open_base(homes, roster, args.base) if args.base is not None
                 else open_point(homes, roster, args.endpoint, args.point, text))
        return restore(state, args.target, digest_of([state.root]))
    except (Bad, Lost, OSError) as problem:
        warn(problem)
        return 2


# --- FORMAT.md: Words. The English list of BIP-39 -------------------------------------------------

WORDS = '''
abandon ability able about above absent absorb abstract absurd abuse access accident account accuse
achieve acid acoustic acquire across act action actor actress actual adapt add addict address adjust
admit adult advance advice aerobic affair afford afraid again age agent agree ahead aim air airport
aisle alarm album alcohol alert alien all alley allow almost alone alpha already also alter always
amateur amazing among amount amused analyst anchor ancient anger angle angry animal ankle announce
annual another answer antenna antique anxiety any apart apology appear apple approve april arch
arctic area arena argue arm armed armor army around arrange arrest arrive arrow art artefact artist
artwork ask aspect assault asset assist assume asthma athlete atom attack attend attitude attract
auction audit august aunt author auto autumn average avocado avoid awake aware away awesome awful
awkward axis baby bachelor bacon badge bag balance balcony ball bamboo banana banner bar barely
bargain barrel base basic basket battle beach bean beauty because become beef before begin behave
behind believe below belt bench benefit best betray better between beyond bicycle bid bike bind
biology bird birth bitter black blade blame blanket blast bleak bless blind blood blossom blouse
blue blur blush board boat body boil bomb bone bonus book boost border boring borrow boss bottom
bounce box boy bracket brain brand brass brave bread breeze brick bridge brief bright bring brisk
broccoli broken bronze broom brother brown brush bubble buddy budget buffalo build bulb bulk bullet
bundle bunker burden burger burst bus business busy butter buyer buzz cabbage cabin cable cactus
cage cake call calm camera camp can canal cancel candy cannon canoe canvas canyon capable capital
captain car carbon card cargo carpet carry cart case cash casino castle casual cat catalog catch
category cattle caught cause caution cave ceiling celery cement census century cereal certain chair
chalk champion change chaos chapter charge chase chat cheap check cheese chef cherry chest chicken
chief child chimney choice choose chronic chuckle chunk churn cigar cinnamon circle citizen city
civil claim clap clarify claw clay clean clerk clever click client cliff climb clinic clip clock
clog close cloth cloud clown club clump cluster clutch coach coast coconut code coffee coil coin
collect color column combine come comfort comic common company concert conduct confirm congress
connect consider control convince cook cool copper copy coral core corn correct cost cotton couch
country couple course cousin cover coyote crack cradle craft cram crane crash crater crawl crazy
cream credit creek crew cricket crime crisp critic crop cross crouch crowd crucial cruel cruise
crumble crunch crush cry crystal cube culture cup cupboard curious current curtain curve cushion
custom cute cycle dad damage damp dance danger daring dash daughter dawn day deal debate debris
decade december decide decline decorate decrease deer defense define defy degree delay deliver
demand demise denial dentist deny depart depend deposit depth deputy derive describe desert design
desk despair destroy detail detect develop device devote diagram dial diamond diary dice diesel diet
differ digital dignity dilemma dinner dinosaur direct dirt disagree discover disease dish dismiss
disorder display distance divert divide divorce dizzy doctor document dog doll dolphin domain donate
donkey donor door dose double dove draft dragon drama drastic draw dream dress drift drill drink
drip drive drop drum dry duck dumb dune during dust dutch duty dwarf dynamic eager eagle early earn
earth easily east easy echo ecology economy edge edit educate effort egg eight either elbow elder
electric elegant element elephant elevator elite else embark embody embrace emerge emotion employ
empower empty enable enact end endless endorse enemy energy enforce engage engine enhance enjoy
enlist enough enrich enroll ensure enter entire entry envelope episode equal equip era erase erode
erosion error erupt escape essay essence estate eternal ethics evidence evil evoke evolve exact
example excess exchange excite exclude excuse execute exercise exhaust exhibit exile exist exit
exotic expand expect expire explain expose express extend extra eye eyebrow fabric face faculty fade
faint faith fall false fame family famous fan fancy fantasy farm fashion fat fatal father fatigue
fault favorite feature february federal fee feed feel female fence festival fetch fever few fiber
fiction field figure file film filter final find fine finger finish fire firm first fiscal fish fit
fitness fix flag flame flash flat flavor flee flight flip float flock floor flower fluid flush fly
foam focus fog foil fold follow food foot force forest forget fork fortune forum forward fossil
foster found fox fragile frame frequent fresh friend fringe frog front frost frown frozen fruit fuel
fun funny furnace fury future gadget gain galaxy gallery game gap garage garbage garden garlic
garment gas gasp gate gather gauge gaze general genius genre gentle genuine gesture ghost giant gift
giggle ginger giraffe girl give glad glance glare glass glide glimpse globe gloom glory glove glow
glue goat goddess gold good goose gorilla gospel gossip govern gown grab grace grain grant grape
grass gravity great green grid grief grit grocery group grow grunt guard guess guide guilt guitar
gun gym habit hair half hammer hamster hand happy harbor hard harsh harvest hat have hawk hazard
head health heart heavy hedgehog height hello helmet help hen hero hidden high hill hint hip hire
history hobby hockey hold hole holiday hollow home honey hood hope horn horror horse hospital host
hotel hour hover hub huge human humble humor hundred hungry hunt hurdle hurry hurt husband hybrid
ice icon idea identify idle ignore ill illegal illness image imitate immense immune impact impose
improve impulse inch include income increase index indicate indoor industry infant inflict inform
inhale inherit initial inject injury inmate inner innocent input inquiry insane insect inside
inspire install intact interest into invest invite involve iron island isolate issue item ivory
jacket jaguar jar jazz jealous jeans jelly jewel job join joke journey joy judge juice jump jungle
junior junk just kangaroo keen keep ketchup key kick kid kidney kind kingdom kiss kit kitchen kite
kitten kiwi knee knife knock know lab label labor ladder lady lake lamp language laptop large later
latin laugh laundry lava law lawn lawsuit layer lazy leader leaf learn leave lecture left leg legal
legend leisure lemon lend length lens leopard lesson letter level liar liberty library license life
lift light like limb limit link lion liquid list little live lizard load loan lobster local lock
logic lonely long loop lottery loud lounge love loyal lucky luggage lumber lunar lunch luxury lyrics
machine mad magic magnet maid mail main major make mammal man manage mandate mango mansion manual
maple marble march margin marine market marriage mask mass master match material math matrix matter
maximum maze meadow mean measure meat mechanic medal media melody melt member memory mention menu
mercy merge merit merry mesh message metal method middle midnight milk million mimic mind minimum
minor minute miracle mirror misery miss mistake mix mixed mixture mobile model modify mom moment
monitor monkey monster month moon moral more morning mosquito mother motion motor mountain mouse
move movie much muffin mule multiply muscle museum mushroom music must mutual myself mystery myth
naive name napkin narrow nasty nation nature near neck need negative neglect neither nephew nerve
nest net network neutral never news next nice night noble noise nominee noodle normal north nose
notable note nothing notice novel now nuclear number nurse nut oak obey object oblige obscure
observe obtain obvious occur ocean october odor off offer office often oil okay old olive olympic
omit once one onion online only open opera opinion oppose option orange orbit orchard order ordinary
organ orient original orphan ostrich other outdoor outer output outside oval oven over own owner
oxygen oyster ozone pact paddle page pair palace palm panda panel panic panther paper parade parent
park parrot party pass patch path patient patrol pattern pause pave payment peace peanut pear
peasant pelican pen penalty pencil people pepper perfect permit person pet phone photo phrase
physical piano picnic picture piece pig pigeon pill pilot pink pioneer pipe pistol pitch pizza place
planet plastic plate play please pledge pluck plug plunge poem poet point polar pole police pond
pony pool popular portion position possible post potato pottery poverty powder power practice praise
predict prefer prepare present pretty prevent price pride primary print priority prison private
prize problem process produce profit program project promote proof property prosper protect proud
provide public pudding pull pulp pulse pumpkin punch pupil puppy purchase purity purpose purse push
put puzzle pyramid quality quantum quarter question quick quit quiz quote rabbit raccoon race rack
radar radio rail rain raise rally ramp ranch random range rapid rare rate rather raven raw razor
ready real reason rebel rebuild recall receive recipe record recycle reduce reflect reform refuse
region regret regular reject relax release relief rely remain remember remind remove render renew
rent reopen repair repeat replace report require rescue resemble resist resource response result
retire retreat return reunion reveal review reward rhythm rib ribbon rice rich ride ridge rifle
right rigid ring riot ripple risk ritual rival river road roast robot robust rocket romance roof
rookie room rose rotate rough round route royal rubber rude rug rule run runway rural sad saddle
sadness safe sail salad salmon salon salt salute same sample sand satisfy satoshi sauce sausage save
say scale scan scare scatter scene scheme school science scissors scorpion scout scrap screen script
scrub sea search season seat second secret section security seed seek segment select sell seminar
senior sense sentence series service session settle setup seven shadow shaft shallow share shed
shell sheriff shield shift shine ship shiver shock shoe shoot shop short shoulder shove shrimp shrug
shuffle shy sibling sick side siege sight sign silent silk silly silver similar simple since sing
siren sister situate six size skate sketch ski skill skin skirt skull slab slam sleep slender slice
slide slight slim slogan slot slow slush small smart smile smoke smooth snack snake snap sniff snow
soap soccer social sock soda soft solar soldier solid solution solve someone song soon sorry sort
soul sound soup source south space spare spatial spawn speak special speed spell spend sphere spice
spider spike spin spirit split spoil sponsor spoon sport spot spray spread spring spy square squeeze
squirrel stable stadium staff stage stairs stamp stand start state stay steak steel stem step stereo
stick still sting stock stomach stone stool story stove strategy street strike strong struggle
student stuff stumble style subject submit subway success such sudden suffer sugar suggest suit
summer sun sunny sunset super supply supreme sure surface surge surprise surround survey suspect
sustain swallow swamp swap swarm swear sweet swift swim swing switch sword symbol symptom syrup
system table tackle tag tail talent talk tank tape target task taste tattoo taxi teach team tell ten
tenant tennis tent term test text thank that theme then theory there they thing this thought three
thrive throw thumb thunder ticket tide tiger tilt timber time tiny tip tired tissue title toast
tobacco today toddler toe together toilet token tomato tomorrow tone tongue tonight tool tooth top
topic topple torch tornado tortoise toss total tourist toward tower town toy track trade traffic
tragic train transfer trap trash travel tray treat tree trend trial tribe trick trigger trim trip
trophy trouble truck true truly trumpet trust truth try tube tuition tumble tuna tunnel turkey turn
turtle twelve twenty twice twin twist two type typical ugly umbrella unable unaware uncle uncover
under undo unfair unfold unhappy uniform unique unit universe unknown unlock until unusual unveil
update upgrade uphold upon upper upset urban urge usage use used useful useless usual utility vacant
vacuum vague valid valley valve van vanish vapor various vast vault vehicle velvet vendor venture
venue verb verify version very vessel veteran viable vibrant vicious victory video view village
vintage violin virtual virus visa visit visual vital vivid vocal voice void volcano volume vote
voyage wage wagon wait walk wall walnut want warfare warm warrior wash wasp waste water wave way
wealth weapon wear weasel weather web wedding weekend weird welcome west wet whale what wheat wheel
when where whip whisper wide width wife wild will win window wine wing wink winner winter wire
wisdom wise wish witness wolf woman wonder wood wool word work world worry worth wrap wreck wrestle
wrist write wrong yard year yellow you young youth zebra zero zone zoo
'''.split()


if __name__ == '__main__':
    sys.exit(main())
