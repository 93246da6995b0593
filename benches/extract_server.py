#!/usr/bin/env python3
"""A source with so many records, in cursor-paged JSON, that answers faster than anybody takes its pages apart.

usage: extract_server.py RECORDS PORT_FILE          serves until it is told to end
       extract_server.py --alone ADDRESS SIZE       reads every page without looking at it: what the server alone can do

Pages come from ready-made bytes in which only the ids, the instants and the next token are put in, and the page after the one
that was asked for is made while its asker is busy. Every record of `/records` is distinct:

    GET /records?limit=SIZE&cursor=TOKEN&updated_after=INSTANT   -> {"data": [...], "meta": {"next": TOKEN or null}}
    GET /control/next-day?limit=SIZE   a 730th of the records is new or changed (half and half) on the day after the history
    GET /control/counted               bytes and requests of /records since this was last asked

`updated_after` takes effect once it lies behind all but the last of the history's records: it then gives those from that instant on.
"""

import datetime
import json
import os
import random
import socket
import sys
import threading
import time

HISTORY_DAYS = 730
FIRST_DAY = datetime.datetime(2024, 11, 1)
DIGITS = 8
# Records in the ready-made pages of one size: beside id and instant, values repeat after so many.
READY = 32_000
CITIES = [("Lyon", "FR"), ("Malmö", "SE"), ("Bremen", "DE"), ("Austin", "US"), ("Leeds", "GB"), ("São Paulo", "BR"), ("Osaka", "JP")]


def record(chance, row, hole, millis):
    """One record as text: its id is `row`, then the hole's digits, and the hole's instant is when it was changed."""
    city, country = chance.choice(CITIES)
    created = FIRST_DAY - datetime.timedelta(seconds=chance.randrange(86_400 * 700))
    return (
        f'{{"id":"rec_{row}{hole}.{millis:03d}Z","name":"Customer {chance.randrange(10**9):09d} {chance.choice(["Ltd", "GmbH", "Inc", "SA"])}",'
        f'"number":{chance.randrange(10**9)},"amount":"{chance.randrange(1_000_000)}.{chance.randrange(10_000):04d}",'
        f'"currency":"{chance.choice(["USD", "EUR", "GBP"])}","seats":{chance.randrange(500)},"active":{chance.choice(["true", "false"])},'
        f'"created_at":"{created:%Y-%m-%dT%H:%M:%S}Z","address":{{"city":"{city}","country":"{country}"}}}}'
    )


def hole(digits, at):
    return f'{digits}","updated_at":"{at:%Y-%m-%dT%H:%M:%S}'


class Source:
    """The records, in pages of a size that is a power of ten."""

    def __init__(self, records):
        self.records = records
        self.templates = {}
        self.delta = None
        self.told = {}
        self.counted = [0, 0]
        self.ready = {}

    def template(self, size, number):
        """A page's bytes, cut where its holes are."""
        if size not in self.templates:
            chance = random.Random(size)
            width = len(str(size)) - 1
            pages = [[record(chance, f"{row:0{width}d}", "\0", row) for row in range(size)] for _ in range(max(4, READY // size))]
            self.templates[size] = [('{"data":[' + ",".join(page) + '],"meta":{"next":').encode().split(b"\0") for page in pages]
        ready = self.templates[size]
        return ready[number % len(ready)]

    def at(self, page, size):
        """When the records of a page were changed: evenly over the history."""
        return FIRST_DAY + datetime.timedelta(seconds=page * HISTORY_DAYS * 86_400 * size // self.records)

    def page(self, size, number):
        digits = DIGITS + 1 - len(str(size))
        filled = hole(f"{number:0{digits}d}", self.at(number, size)).encode()
        following = b'"%d"}}' % (number + 1) if (number + 1) * size < self.records else b"null}}"
        return answer(filled.join(self.template(size, number)) + following)

    def next_day(self, size):
        """Records that are new or were changed on the day after the history, in the order of their instants."""
        chance = random.Random(730)
        count = self.records // HISTORY_DAYS
        numbers = [*chance.sample(range(self.records), count // 2), *range(self.records, self.records + count - count // 2)]
        chance.shuffle(numbers)
        width = len(str(size)) - 1
        day = FIRST_DAY + datetime.timedelta(days=HISTORY_DAYS)
        self.delta, self.told = [], {}
        for place, number in enumerate(numbers):
            at = day + datetime.timedelta(milliseconds=place * 86_000_000 // count)
            page, row = divmod(number, size)
            text = record(chance, f"{row:0{width}d}", hole(f"{page:0{DIGITS - width}d}", at), at.microsecond // 1000)
            self.delta.append((at.isoformat(timespec="milliseconds"), text))

    def since(self, size, instant):
        """Pages of what came from an instant at the history's end on; none where it lies earlier."""
        if (size, instant) in self.told:
            return self.told[size, instant]
        last = self.at(self.records // size - 1, size).strftime("%Y-%m-%dT%H:%M:%S")
        if instant[:19] < last:
            return None
        rows = [row for at, row in self.delta or [] if at >= instant[:23].rstrip("Z")]
        if instant[:19] == last:
            # The cursor's own instant is asked for again.
            whole = json.loads(self.page(size, self.records // size - 1).split(b"\r\n\r\n", 1)[1])
            same = [row for row in whole["data"] if row["updated_at"] >= instant[:23].rstrip("Z")]
            rows = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in same] + rows
        self.told[size, instant] = [rows[first : first + size] for first in range(0, len(rows), size)] or [[]]
        return self.told[size, instant]

    def answer(self, query):
        size, cursor, instant = int(query["limit"]), query.get("cursor", ""), query.get("updated_after", "")
        if cursor.startswith("d") or (instant and not cursor):
            first, _, kept = cursor.removeprefix("d").partition(".")
            pages = self.since(size, kept or instant)
            if pages is not None:
                number = int(first or 0)
                following = f'"d{number + 1}.{kept or instant}"' if number + 1 < len(pages) else "null"
                return answer(f'{{"data":[{",".join(pages[number])}],"meta":{{"next":{following}}}}}'.encode()), None
        number = int(cursor or 0)
        made = self.ready.pop((size, number), None) or self.page(size, number)
        following = (size, number + 1) if (number + 1) * size < self.records else None
        return made, following


def answer(body, kind=b"application/json"):
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(body), body)


def unquote(text):
    return text.replace("%3A", ":").replace("%3a", ":").replace("%2B", "+").replace("%2E", ".")


def serve(connection, source):
    """Answers one connection until it is closed."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    kept = b""
    while True:
        while b"\r\n\r\n" not in kept:
            more = connection.recv(65_536)
            if not more:
                return
            kept += more
        head, kept = kept.split(b"\r\n\r\n", 1)
        path, _, rest = head.split(b" ", 2)[1].decode().partition("?")
        following = None
        if path == "/records":
            query = dict(pair.split("=", 1) for pair in rest.split("&"))
            made, following = source.answer({name: unquote(value) for name, value in query.items()})
            source.counted[0] += len(made)
            source.counted[1] += 1
        elif path == "/control/next-day":
            source.next_day(int(rest.removeprefix("limit=")))
            made = answer(b'{"records": %d}' % len(source.delta))
        elif path == "/control/counted":
            made = answer(b'{"bytes": %d, "requests": %d}' % tuple(source.counted))
            source.counted = [0, 0]
        else:
            made = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(made)
        if following:
            source.ready = {following: source.page(*following)}


def alone(address, size):
    """Every page in turn, read into one buffer; the next token stands at the end of a page."""
    host, _, port = address.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    buffer = memoryview(bytearray(1 << 20))
    cursor, length, pages, began = b"", 0, 0, None
    while cursor is not None:
        connection.sendall(b"GET /records?limit=%d%b HTTP/1.1\r\nHost: bench\r\n\r\n" % (size, b"&cursor=" + cursor if cursor else b""))
        got = connection.recv_into(buffer)
        head = bytes(buffer[:200])
        end = head.index(b"\r\n\r\n") + 4
        whole = end + int(head[head.index(b"Length: ") + 8 : end - 4])
        while got < whole:
            got += connection.recv_into(buffer[got:])
        tail = bytes(buffer[whole - 40 : whole])
        following = tail[tail.rindex(b":") + 1 : -2]
        cursor = None if following == b"null" else following.strip(b'"')
        if began is None:
            # The first page of a size makes the ready ones.
            began = time.monotonic()
        length, pages = length + whole, pages + 1
    took = time.monotonic() - began
    print(
        f"the server alone, pages of {size:,}: {pages:,} pages, {length / 1e6:,.0f} MB in {took:.1f} s, "
        f"{pages * size / took:,.0f} records/s, {length / 1e6 / took:,.0f} MB/s"
    )


def main():
    if sys.argv[1] == "--alone":
        alone(sys.argv[2], int(sys.argv[3]))
        return
    source = Source(int(sys.argv[1]))
    listener = socket.create_server(("127.0.0.1", 0))
    with open(sys.argv[2] + ".draft", "w") as file:
        file.write(f"http://127.0.0.1:{listener.getsockname()[1]}")
    os.rename(sys.argv[2] + ".draft", sys.argv[2])
    while True:
        connection, _ = listener.accept()

        def answering(connection=connection):
            try:
                with connection:
                    serve(connection, source)
            except ConnectionError:
                pass

        threading.Thread(target=answering, daemon=True).start()


if __name__ == "__main__":
    main()
