"""What `connector sync` says beside what it marks."""

from __future__ import annotations

from cli.sync import locate_each, mark, out_of_service
from core.connections import NEEDS_ATTENTION, PAUSED
from tests.world import World

REASON = "Xero no longer knows the connector. Connect Xero again."


def test_what_is_marked_on_a_connection_that_does_not_serve_is_told(world: World) -> None:
    """Rule C8: "Marked 1 invoice due" alone would look as if it went."""
    invoice_id = world.save_invoice()
    lane, connections = world.connection.id, world.app.connections
    found = mark(world.app, world.connection, locate_each(world.app, world.connection, (invoice_id,)))

    serves = out_of_service(world.app, [lane])
    connections.save_state(lane, PAUSED)
    paused = out_of_service(world.app, [lane])
    connections.save_state(lane, NEEDS_ATTENTION, REASON)
    stopped = out_of_service(world.app, [lane])

    assert found == {invoice_id}
    assert serves == []
    assert paused == [f"{world.connection.name}: paused. Nothing goes to Xero or comes back until it serves again."]
    assert stopped == [f"{world.connection.name}: needs attention. {REASON}"]


def test_a_connection_that_is_gone_has_nothing_to_say(world: World) -> None:
    """It was removed while the command waited."""
    world.app.connections.remove(world.connection.id)

    assert out_of_service(world.app, [world.connection.id]) == []
