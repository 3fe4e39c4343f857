-- Who wrote in a room last, so that the look for who forwarded a file begins with the rooms of whoever asks for it.
CREATE INDEX newest_messages_in_room ON newest_messages (room_nid, position, user_nid, seq);
