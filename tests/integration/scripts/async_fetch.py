"""Ask several (pretended) instruments at once, each with a limit of time."""

import asyncio

import scitex_session as stx


async def instrument(reader, writer):
    """Answer each line with its length, but never the word `hang`."""
    while line := await reader.readline():
        word = line.decode().strip()
        if word != "hang":
            writer.write(f"{len(word)}\n".encode())
            await writer.drain()
    writer.close()


async def ask(port, word, limit):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"{word}\n".encode())
        async with asyncio.timeout(limit):
            return word, int(await reader.readline())
    except TimeoutError:
        return word, None
    finally:
        writer.close()


@stx.session
async def main(words: list[str] = ["temperature", "hang", "pH"], limit: float = 0.5):
    server = await asyncio.start_server(instrument, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        answers = await asyncio.gather(*(ask(port, word, limit) for word in words))
    for word, answer in answers:
        print(f"{word}: {'no answer' if answer is None else answer}")
    return dict(answers)


if __name__ == "__main__":
    asyncio.run(main())
