"""A DNS server on loopback that knows some TXT records, counts questions, and can be told to keep silent."""

import socketserver
import threading
from collections import Counter
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class DnsServer:
    """`with DnsServer({"_dmarc.example.com": "v=DMARC1; p=none"}) as server: …`, asked at `server.address`."""

    def __init__(self, records: dict[str, str]) -> None:
        self.records = records
        self.questions: Counter[str] = Counter()
        self.silent = False
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, socket = self.request
                if (answer := outer._answer(data)) is not None:
                    socket.sendto(answer, self.client_address)

        self._server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, data: bytes) -> bytes | None:
        question = dns.message.from_wire(data)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        self.questions[name] += 1
        if self.silent:
            return None
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if name in self.records:
            text = self.records[name]
            strings = " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
            answer.answer.append(dns.rrset.from_text(f"{name}.", 300, "IN", "TXT", strings))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    def __enter__(self) -> "DnsServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
