	
  
FROM	a	 AS	b 
 RUN	x	\ 	
	# c
	y
