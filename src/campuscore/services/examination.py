"""An examination of a campus: what is wrong, how bad it is, and what to do about it."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from attrs import frozen

from campuscore.domain.access import Reach, Scope
from campuscore.domain.audit import verdict_of
from campuscore.domain.days import Days
from campuscore.domain.events import MessageState
from campuscore.domain.keys import Algorithm
from campuscore.domain.network import is_inner
from campuscore.domain.operations import Finding, Level
from campuscore.domain.paging import Slice
from campuscore.domain.passwords import Wrapping
from campuscore.domain.users import Role, UserQuery
from campuscore.errors import CampusError
from campuscore.ports.auth import AccessTokens, PasswordHasher
from campuscore.ports.files import BlobStore
from campuscore.ports.operations import Host, StoreKeeper
from campuscore.ports.work import WorkFactory

__all__ = ["Examination"]

_OK, _WARNING, _FAILURE = Level.OK, Level.WARNING, Level.FAILURE
_SAMPLE = 1000
_CROWD = 5
_LATE = timedelta(minutes=10)
_OVERDUE = timedelta(hours=2)
_DELIVER = "run campuscore serve, or campuscore worker beside another server"
_ROTATE = "run campuscore keys rotate"
_RESTORE = "restore the files from a backup"


@frozen
class Examination:
    """Looks at everything and changes nothing."""

    store: WorkFactory
    days: Days
    keeper: StoreKeeper
    blobs: BlobStore
    host: Host | None = None
    access: AccessTokens | None = None
    algorithm: Algorithm = Algorithm.EDDSA
    knows_proxies: bool = False
    """Whether ``trusted_proxies`` names any."""
    hasher: PasswordHasher | None = None

    def run(self, *, deep: bool = False) -> list[Finding]:
        """Return what each check found; a check that cannot be made is a failure of its own."""
        findings = self.host.examine() if self.host else []
        try:
            database = self._database()
            findings.append(database)
            if database.level is _OK:
                findings += self.keeper.examine(deep=deep)
                findings += [self._files(deep=deep), self._claims()]
                findings += [self._outbox(), self._administrator()]
                findings += [self._keys(), self._addresses(), *self._passwords()]
                findings.append(self._audit(deep=deep))
        except CampusError as error:
            findings.append(Finding("database", _FAILURE, error.detail, "see database_url"))
        return findings

    def _database(self) -> Finding:
        status = self.keeper.status()
        if status.current is None:
            text, advice = "the database is empty", "run campuscore serve, or db upgrade"
            return Finding("database", _FAILURE, text, advice)
        if not status.up_to_date:
            text = f"the database is at revision {status.current}, needs {status.head}"
            advice = "back it up, then run campuscore db upgrade"
            return Finding("database", _FAILURE, text, advice)
        return Finding("database", _OK, f"at revision {status.head}")

    def _files(self, *, deep: bool) -> Finding:
        seen, missing, damaged = 0, 0, 0
        for name in self._all_names() if deep else self._some_names():
            seen += 1
            if self.blobs.size(name) is None:
                missing += 1
            elif deep and not self._is_whole(name):
                damaged += 1
        if missing or damaged:
            text = f"of {seen} files {missing} are missing and {damaged} damaged"
            return Finding("files", _FAILURE, text, _RESTORE)
        kind = "read and whole" if deep else "there"
        more = " (a sample; --deep reads all)" if seen == _SAMPLE else ""
        return Finding("files", _OK, f"{seen} files are {kind}{more}")

    def _some_names(self) -> list[str]:
        """Return some names from a random one on, so that each examination sees others."""
        start = secrets.token_hex(32)
        with self.store.read() as work:
            names = work.claims.named(start, _SAMPLE)
            if len(names) < _SAMPLE:
                earlier = work.claims.named("", _SAMPLE - len(names))
                names += [name for name in earlier if name <= start]
        return names

    def _all_names(self) -> Iterator[str]:
        after = ""
        while True:
            with self.store.read() as work:
                names = work.claims.named(after, _SAMPLE)
            if not names:
                return
            yield from names
            after = names[-1]

    def _is_whole(self, name: str) -> bool:
        digest = hashlib.sha256()
        for block in self.blobs.open(name):
            digest.update(block)
        return digest.hexdigest() == name

    def _claims(self) -> Finding:
        with self.store.read() as work:
            overdue = work.claims.ended(self.days.now() - _OVERDUE, _SAMPLE)
        if overdue:
            text = f"{len(overdue)} uploads that broke off are not cleared"
            return Finding("uploads", _WARNING, text, _DELIVER)
        return Finding("uploads", _OK, "nothing is left of uploads that broke off")

    def _outbox(self) -> Finding:
        with self.store.read() as work:
            counts = work.outbox.counts()
            pending = work.outbox.list(MessageState.PENDING, 0, 1)
        if counts[MessageState.DEAD]:
            text = f"{counts[MessageState.DEAD]} messages could not be delivered"
            advice = "see campuscore events tail --state dead, then events retry"
            return Finding("outbox", _WARNING, text, advice)
        late = [message for message in pending if message.due_at < self.days.now() - _LATE]
        if late:
            text = f"{counts[MessageState.PENDING]} messages wait, since {late[0].due_at:%F %H:%M}"
            return Finding("outbox", _WARNING, text, _DELIVER)
        return Finding("outbox", _OK, f"{counts[MessageState.PENDING]} messages wait")

    def _administrator(self) -> Finding:
        everything = Scope(Reach.ALL, 0, self.days.today())
        with self.store.read() as work:
            found = work.users.list(everything, UserQuery(role=Role.ADMIN), Slice(1000))
        if not found:
            advice = "campuscore users create NAME --role admin --password-prompt"
            return Finding("administrator", _FAILURE, "there is no active administrator", advice)
        return Finding("administrator", _OK, f"{len(found)} active, such as {found[0].username}")

    def _keys(self) -> Finding:
        with self.store.read() as work:
            ring = work.keys.ring()
        active = ring.active
        if active is None:
            return Finding("keys", _OK, "the first login makes the signing keys")
        for key in filter(None, (active, ring.next)):
            if self.access is not None and not self.access.opens(key):
                text = f"secret_key does not open the {key.state} signing key {key.id}"
                advice = f"set the secret_key of before, or {_ROTATE}"
                return Finding("keys", _FAILURE, text, advice)
        if active.algorithm is not self.algorithm:
            text = f"signed with {active.algorithm}, but token_algorithm is {self.algorithm}"
            return Finding("keys", _WARNING, text, _ROTATE)
        since = f"{active.changed_at:%F}"
        return Finding("keys", _OK, f"{active.algorithm} key {active.id} signs since {since}")

    def _audit(self, *, deep: bool) -> Finding:
        advice = "find out who did that, with a backup and campuscore audit verify --anchor"
        with self.store.read() as work:
            head, exact = work.audit.head(), work.audit.head_is_exact
            verdict = verdict_of(work.audit.walk(), head, exact=exact) if deep else None
        if verdict is not None and not verdict.is_whole:
            text = f"record {verdict.broken_at} {verdict.problem}"
            return Finding("audit", _FAILURE, text, advice)
        if head is None:
            return Finding("audit", _FAILURE, "the head of the chain is gone", advice)
        kind = f"{head.number} records" + (", read and whole" if deep else "")
        return Finding("audit", _OK, f"{kind}; the head is {head}" if head.number else kind)

    def _addresses(self) -> Finding:
        """Look whether a proxy that nobody named hides from where people log in."""
        with self.store.read() as work:
            latest = [row for row in work.sessions.latest(_SAMPLE) if row.ip_address]
        places = {row.ip_address for row in latest}
        one = next(iter(places)) if len(places) == 1 else None
        people = len({row.user for row in latest})
        if one and people >= _CROWD and not self.knows_proxies and is_inner(one):
            text = f"all {people} people who logged in lately came from {one}"
            advice = "if that is a proxy, name it in trusted_proxies: throttling takes it for one"
            return Finding("addresses", _WARNING, text, f"{advice} client")
        return Finding("addresses", _OK, f"logins came from {len(places)} addresses lately")

    def _passwords(self) -> list[Finding]:
        if self.hasher is None:
            return []
        counts = Counter(map(self.hasher.wrapping, self._hashes()))
        lost = counts[Wrapping.FOREIGN] + counts[Wrapping.DAMAGED]
        if lost:
            text = f"SECRET_KEY does not fit {lost} stored passwords: their logins are refused"
            advice = "set the secret_key of before, or name it in old_secret_keys"
            return [Finding("passwords", _FAILURE, text, advice)]
        left = counts[Wrapping.OLDER] + counts[Wrapping.BARE]
        if left:
            text = f"{left} stored passwords are not sealed under the SECRET_KEY of now"
            return [Finding("passwords", _WARNING, text, "run campuscore passwords rewrap")]
        text = f"{counts[Wrapping.CURRENT]} are sealed under SECRET_KEY"
        return [Finding("passwords", _OK, text)]

    def _hashes(self) -> Iterator[str]:
        after = 0
        while True:
            with self.store.read() as work:
                rows = work.credentials.stored(after, _SAMPLE)
            if not rows:
                return
            yield from (stored for _, stored in rows if stored)
            after = rows[-1][0]
